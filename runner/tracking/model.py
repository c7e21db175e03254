"""The trained model as an MLflow model of its run."""

import json
import platform
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow.pyfunc
import numpy as np
import yaml
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import AnyType, Array, ColSpec, DataType, Schema, TensorSpec

from runner.tracking.artifacts import of_model
from runner.tracking.events import TOKEN
from runner.tracking.location import Location
from runner.tracking.registration import register
from runner.tracking.saved_model import Columns, SavedModel
from runner.tracking.source_archive import ARCHIVE, source_archive
from runner.tracking.store import asked_once
from runner.types import Shape

NEEDED_TO_PREDICT = ("torch", "numpy", "pydantic", "annotated-types", "safetensors", "mlflow", "pandas")

LOADER = "runner.trained.served"
"""The module that MLflow loads a model with; named, since to import it takes torch."""

DATA, CODE = "data", f"code/{ARCHIVE}"
REQUIREMENTS, VIRTUALENV, CONDA = "requirements.txt", "python_env.yaml", "conda.yaml"
EXAMPLE, SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"
"""What an MLflow model's folder holds beside ``MLmodel``."""


def log_model(client: MlflowClient, location: Location, saved: SavedModel, token: str) -> None:
    """Log a model that ``mlflow.pyfunc.load_model("runs:/<run id>/model")`` loads.

    It carries the runner's own code, so that loading it needs no installed runner, and no pickle. It is
    registered if that is wanted. What an earlier try with the same token has done is not done again.
    Raises what MLflow raises.
    """
    logged = find_or_create(client, location, token)
    model_id = str(logged.model_id)
    if logged.status != LoggedModelStatus.READY:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # the program may end meanwhile
            saved.copy_to(Path(folder, DATA))
            model = Model(run_id=location.run_id, model_id=model_id, signature=signature_of(saved))
            make_loadable(Path(folder), model, saved)
            of_model(client, model_id).upload_all(Path(folder))
        client.finalize_logged_model(model_id, LoggedModelStatus.READY)
    outputs = client.get_run(location.run_id).outputs
    if model_id not in [each.model_id for each in (outputs.model_outputs if outputs else [])]:
        with asked_once():
            client.log_outputs(location.run_id, [LoggedModelOutput(model_id, saved.step)])
    if saved.registration is not None:
        register(client, location, model_id, saved.registration, token)


def find_or_create(client: MlflowClient, location: Location, token: str) -> LoggedModel:
    """The run's model with this token, which is made if it isn't there yet."""
    wanted = f"source_run_id = '{location.run_id}' AND tags.`{TOKEN}` = '{token}'"
    found = client.search_logged_models([location.experiment_id], wanted)
    if found:
        return found[0]
    with asked_once():
        return client.create_logged_model(
            location.experiment_id,
            name="model",
            source_run_id=location.run_id,
            model_type="runner",
            tags={TOKEN: token},
        )


def signature_of(saved: SavedModel) -> ModelSignature:
    """What a model takes and gives, in MLflow's words: tables' columns, or tensors."""
    places = len(saved.out_shape) - 1  # of a sequence each place has its own class
    return ModelSignature(
        inputs=schema(saved.takes, saved.in_shape),
        outputs=schema(saved.gives, saved.out_shape, places),
    )


def schema(columns: Columns | None, shape: Shape, depth: int = 0) -> Schema:
    """Columns whose cells are lists of lists, ``depth`` deep; or one tensor if there are none."""
    if columns is None:
        return Schema([TensorSpec(np.dtype("float32"), (-1, *shape))])
    return Schema([ColSpec(cells(kind, depth), name) for name, kind in columns])


def cells(kind: str, depth: int) -> Any:
    """The type of a column's cells."""
    if depth > 0:
        return Array(cells(kind, depth - 1))
    return AnyType() if kind == "any" else DataType[kind]  # type: ignore[no-untyped-call]


def make_loadable(folder: Path, model: Model, saved: SavedModel) -> None:
    """Put around a model's data what MLflow needs to load it: code, environment, example, description.

    ``mlflow.pyfunc.save_model`` writes the same, but first looks through every installed package, which
    takes longer than all of this, to find that the versions named here are the installed ones.
    """
    (folder / CODE).parent.mkdir()
    (folder / CODE).write_bytes(source_archive())
    python = platform.python_version()
    needed = [f"{name}=={version(name)}" for name in NEEDED_TO_PREDICT]
    virtualenv = {"python": python, "build_dependencies": ["pip"], "dependencies": [f"-r {REQUIREMENTS}"]}
    conda = {"channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", {"pip": needed}]}
    example: Any = saved.example
    kind = {"type": "ndarray"}
    if saved.takes is not None:
        example = {"columns": [name for name, _ in saved.takes], "data": saved.example}
        kind = {"type": "dataframe", "pandas_orient": "split"}
    files = {
        REQUIREMENTS: "\n".join(needed),
        VIRTUALENV: yaml.safe_dump(virtualenv),
        CONDA: yaml.safe_dump(conda),
        EXAMPLE: json.dumps(example),
        SERVING_EXAMPLE: json.dumps({"inputs" if saved.takes is None else "dataframe_split": example}),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    model.saved_input_example_info = {
        "artifact_path": EXAMPLE,
        "serving_input_path": SERVING_EXAMPLE,
        **kind,
    }
    mlflow.pyfunc.add_to_model(model, LOADER, data=DATA, code=CODE, conda_env=CONDA, python_env=VIRTUALENV)
    model.save(folder / "MLmodel")
