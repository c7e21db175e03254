"""The trained model as an MLflow model of its run."""

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow.pyfunc
import numpy as np
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import Schema, TensorSpec

import runner
from runner.tracking.events import TOKEN
from runner.tracking.location import Location
from runner.tracking.saved_model import SavedModel
from runner.tracking.store import asked_once

NEEDED_TO_PREDICT = ("torch", "numpy", "pydantic", "annotated-types", "safetensors", "mlflow")

LOADER = "runner.trained.serving"
"""The module that MLflow loads a model with; named, since to import it takes torch."""

DATA, CODE = "data", "code"
REQUIREMENTS, VIRTUALENV, CONDA = "requirements.txt", "python_env.yaml", "conda.yaml"
EXAMPLE, SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"
"""What an MLflow model's folder holds beside ``MLmodel``."""


def log_model(client: MlflowClient, location: Location, saved: SavedModel, token: str) -> None:
    """Log a model that ``mlflow.pyfunc.load_model("runs:/<run id>/model")`` loads.

    It carries the runner's own code, so that loading it needs no installed runner, and no pickle. What an
    earlier try with the same token has done is not done again. Raises what MLflow raises.
    """
    model_id = find_or_create(client, location, token)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the program may end meanwhile
        shutil.copytree(saved.folder, Path(folder, DATA))
        signature = ModelSignature(
            inputs=Schema([TensorSpec(np.dtype("float32"), (-1, *saved.in_shape))]),
            outputs=Schema([TensorSpec(np.dtype("float32"), (-1, *saved.out_shape))]),
        )
        model = Model(run_id=location.run_id, model_id=model_id, signature=signature)
        make_loadable(Path(folder), model, saved.example)
        client.log_model_artifacts(model_id, folder)
    client.finalize_logged_model(model_id, LoggedModelStatus.READY)
    outputs = client.get_run(location.run_id).outputs
    if model_id not in [each.model_id for each in (outputs.model_outputs if outputs else [])]:
        with asked_once():
            client.log_outputs(location.run_id, [LoggedModelOutput(model_id, saved.step)])


def find_or_create(client: MlflowClient, location: Location, token: str) -> str:
    """The id of the run's model with this token, which is made if it isn't there yet."""
    wanted = f"source_run_id = '{location.run_id}' AND tags.`{TOKEN}` = '{token}'"
    found = client.search_logged_models([location.experiment_id], wanted)
    if found:
        return str(found[0].model_id)
    with asked_once():
        logged = client.create_logged_model(
            location.experiment_id,
            name="model",
            source_run_id=location.run_id,
            model_type="runner",
            tags={TOKEN: token},
        )
    return str(logged.model_id)


def make_loadable(folder: Path, model: Model, example: list[Any]) -> None:
    """Put around a model's data what MLflow needs to load it: code, environment, example, description.

    ``mlflow.pyfunc.save_model`` writes the same, but first looks through every installed package, which
    takes longer than all of this, to find that the versions named here are the installed ones.
    """
    package = Path(runner.__file__).parent
    shutil.copytree(package, folder / CODE / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    python = platform.python_version()
    needed = [f"{name}=={version(name)}" for name in NEEDED_TO_PREDICT]
    virtualenv = {"python": python, "build_dependencies": ["pip"], "dependencies": [f"-r {REQUIREMENTS}"]}
    conda = {"channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", {"pip": needed}]}
    files = {
        REQUIREMENTS: "\n".join(needed),
        VIRTUALENV: yaml.safe_dump(virtualenv),
        CONDA: yaml.safe_dump(conda),
        EXAMPLE: json.dumps(example),
        SERVING_EXAMPLE: json.dumps({"inputs": example}),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    model.saved_input_example_info = {
        "artifact_path": EXAMPLE,
        "serving_input_path": SERVING_EXAMPLE,
        "type": "ndarray",
    }
    mlflow.pyfunc.add_to_model(model, LOADER, data=DATA, code=CODE, conda_env=CONDA, python_env=VIRTUALENV)
    model.save(folder / "MLmodel")
