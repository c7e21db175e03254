"""The trained model as an MLflow model of its run."""

import logging
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.pyfunc
from mlflow.entities import LoggedModelOutput, LoggedModelStatus
from mlflow.models import Model
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import Schema, TensorSpec
from torch import Tensor

import runner.serving
from runner.config import Config
from runner.nn.store import ParameterStore
from runner.tracking.store import told_as_tracking_error
from runner.tracking.tracker import Tracker

NEEDED_TO_PREDICT = ("torch", "numpy", "pydantic", "annotated-types", "safetensors", "mlflow")


def log_model(tracker: Tracker, config: Config, store: ParameterStore, example: Tensor) -> None:
    """Log a model that ``mlflow.pyfunc.load_model("runs:/<run id>/model")`` loads.

    It carries the runner's own code, so that loading it needs no installed runner, and no pickle.

    Args:
        tracker: the run.
        config: whose layers the model has.
        store: the trained parameters.
        example: a few inputs ``[n, *in_shape]``.

    Raises:
        TrackingError: if the store cannot be written.
    """
    client, location = tracker.client, tracker.location
    inputs = example.cpu().numpy()
    in_shape, outputs = config.source.in_shape, config.source.outputs
    signature = ModelSignature(
        inputs=Schema([TensorSpec(inputs.dtype, (-1, *in_shape))]),
        outputs=Schema([TensorSpec(inputs.dtype, (-1, outputs))]),
    )
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    with TemporaryDirectory() as folder, told_as_tracking_error(location.uri):
        data, saved = Path(folder, "trained"), Path(folder, "model")
        runner.serving.save(data, config.plain["model"]["layers"], in_shape, outputs, store)
        logged = client.create_logged_model(
            location.experiment_id, name="model", source_run_id=location.run_id, model_type="runner"
        )
        mlflow.pyfunc.save_model(
            str(saved),
            loader_module=runner.serving.__name__,
            data_path=str(data),
            code_paths=[str(Path(runner.serving.__file__).parent)],
            signature=signature,
            input_example=inputs,
            pip_requirements=[f"{name}=={version(name)}" for name in NEEDED_TO_PREDICT],
            mlflow_model=Model(run_id=location.run_id, model_id=logged.model_id),
        )
        client.log_model_artifacts(logged.model_id, str(saved))
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
        client.log_outputs(location.run_id, [LoggedModelOutput(logged.model_id, config.train.epochs)])
