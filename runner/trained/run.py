"""A run that has been trained, as the tracking store has it: its config and its model."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import torch
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric, Run
from torch import Tensor

from runner.config.plain import Plain
from runner.config.stored import read_stored
from runner.data.pixels import Inputs, are_pixels, scaled
from runner.errors import RunnerError
from runner.plugins.consent import Wanted
from runner.tracking.artifacts import Artifacts, of_model
from runner.tracking.events import CONFIG_NAME
from runner.tracking.lookup import as_measured, existing_store, find_run
from runner.tracking.model import DATA, EXAMPLE
from runner.tracking.store import told_as_tracking_error
from runner.trained import serving
from runner.trained.names import table_of


@dataclass(frozen=True)
class TrainedRun:
    """A run in the store of ``client``."""

    client: MlflowClient
    run: Run

    @property
    def run_id(self) -> str:
        """Its id."""
        return str(self.run.info.run_id)

    @property
    def step(self) -> int:
        """The epochs that its model has been trained."""
        return int(self._output.step)

    def recorded(self) -> Plain:
        """The config that it was started with, as the store has it; ``as_data`` makes it one to be used.

        Raises:
            TrackingError: if it can't be had.
            ConfigError: if it is none.
        """
        with told_as_tracking_error(self.client.tracking_uri), TemporaryDirectory() as folder:
            path = Artifacts(self.client, self.run.info.artifact_uri).download(CONFIG_NAME, folder)
            return read_stored(path, f"run: the {CONFIG_NAME} of run '{self.run_id}'")

    def history(self) -> dict[tuple[int, str], float]:
        """All that it has measured, by epoch and metric.

        Raises:
            TrackingError: if the store can't be read.
        """
        with told_as_tracking_error(self.client.tracking_uri):
            return {
                (row.step, name): as_measured(row.value)
                for name in self.run.data.metrics
                for row in self.client.get_metric_history(self.run_id, name)
            }

    def digest_of_data(self) -> str | None:
        """Names what it has learnt from; None if it did not come to that."""
        inputs = self.run.inputs.dataset_inputs if self.run.inputs else []
        return str(inputs[0].dataset.digest) if inputs else None

    def sweep(self) -> "TrainedRun | None":
        """The parent run of the sweep that it is a job of, if it is one, or that it is itself.

        Raises:
            TrackingError: if the store can't be read.
            RunnerError: if it is not there any more.
        """
        sweep_id = self.run.data.tags.get("sweep_id")
        return None if sweep_id is None else find(str(self.client.tracking_uri), sweep_id)

    def load_model(self, device: torch.device, plugins: Wanted) -> serving.Predictor:
        """The model that it has logged.

        Args:
            device: where it shall compute.
            plugins: whether code that comes with it may run, or what to load in its place.

        Raises:
            RunnerError: if there is none, it can't be had, or it comes with code that may not run.
        """
        model_id, uri = self._output.model_id, self.client.tracking_uri
        with TemporaryDirectory() as folder:
            with told_as_tracking_error(uri):
                path = of_model(self.client, model_id).download(DATA, folder)
            return serving.load(path, device, plugins)

    def example(self, predictor: serving.Predictor) -> Tensor:
        """The model's inputs for the samples that it was logged with, float32 ``[2, *in_shape]``.

        Raises:
            RunnerError: if they can't be had.
        """
        with told_as_tracking_error(self.client.tracking_uri), TemporaryDirectory() as folder:
            path = of_model(self.client, self._output.model_id).download(EXAMPLE, folder)
            shown = json.loads(path.read_text(encoding="utf-8"))
        table = table_of(predictor.preprocessing)
        if table is None or isinstance(shown, list):
            samples = torch.tensor(shown, dtype=torch.float32)
            learnt = Inputs.kept(predictor.preprocessing)
            return scaled(samples, are_pixels=are_pixels(EXAMPLE, samples, learnt))
        columns = zip(*shown["data"], strict=True)
        return table.transform(dict(zip(shown["columns"], columns, strict=True)))

    def log(self, metrics: Mapping[str, float]) -> None:
        """Log metrics of the model, at the epochs that it has been trained.

        Raises:
            TrackingError: if the store cannot be written.
        """
        now = int(time.time() * 1000)
        with told_as_tracking_error(self.client.tracking_uri):
            entities = [Metric(name, value, now, self.step) for name, value in metrics.items()]
            self.client.log_batch(self.run_id, metrics=entities)

    @property
    def _output(self) -> LoggedModelOutput:
        outputs = self.run.outputs.model_outputs if self.run.outputs else []
        if not outputs:
            raise RunnerError(
                f"run: '{self.run_id}' has logged no model; tracking.log_model=true has a run log it"
            )
        return outputs[-1]


def find(uri: str, named: str) -> TrainedRun:
    """Find a run, by its id or as much of its beginning as no other has.

    Raises:
        TrackingError: if the store is not there or cannot be used.
        RunnerError: if it has no such run, or several whose ids begin so.
    """
    client = existing_store(uri)
    return TrainedRun(client, find_run(client, named))
