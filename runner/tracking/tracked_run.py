"""One run in MLflow, call by call: made, described, told metrics, ended. All may be told again."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

from runner.process.masking import masked_file
from runner.tracking.artifacts import Artifacts, refuse_elsewhere
from runner.tracking.events import TOKEN, TRACE_NAME
from runner.tracking.inside import inside
from runner.tracking.location import Location
from runner.tracking.outcome import Status
from runner.tracking.store import STORE_ERRORS, asked_once

PARAMS_A_CALL, ENTRIES_A_CALL = 100, 1000
"""MLflow's limits."""


class TrackedRun:
    """A run that exists. Every method is one call or a few, and raises what MLflow raises.

    Args:
        client: of the store.
        location: where the run is.
        artifact_uri: where its artifacts go.
    """

    def __init__(self, client: MlflowClient, location: Location, artifact_uri: str) -> None:
        self.client = client
        self.location = location
        self.artifact_uri = artifact_uri
        self._left: set[str] = set()
        self._since = time.time()

    def log(
        self,
        metrics: Sequence[Metric],
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics and parameters, however many, and a few tags."""
        rest, left = [Param(key, value) for key, value in (params or {}).items()], list(metrics)
        told = [RunTag(key, value) for key, value in (tags or {}).items()]
        while rest or left or told:
            some = rest[:PARAMS_A_CALL]
            rows = left[: ENTRIES_A_CALL - len(some) - len(told)]
            self.client.log_batch(self.location.run_id, metrics=rows, params=some, tags=told)
            del rest[: len(some)], left[: len(rows)], told[:]

    def tag(self, tags: Mapping[str, str]) -> None:
        """Tag the run."""
        entities = [RunTag(key, value) for key, value in tags.items()]
        self.client.log_batch(self.location.run_id, tags=entities)

    def learns_from(self, data: Mapping[str, Any]) -> None:
        """Log the data, as a ``DataInput``'s fields, as the run's input."""
        self.client.log_inputs(self.location.run_id, datasets=[dataset_input(data)])

    def leave(self, folder: Path, names: Iterable[str]) -> None:
        """Log artifacts, by their places in ``folder``, those files that are there; secrets are masked.

        Raises:
            TrackingError: if a name is no place in the folder, or a link.
        """
        for name in names:
            file = inside(folder, name)
            if file.is_file() and name not in self._left:
                place = str(Path(name).parent).removeprefix(".")
                with masked_file(file) as path:
                    self._artifacts.upload(path, place or None)
                self._left.add(name)  # not sent again should the next one fail
        self._left.clear()

    @cached_property
    def _artifacts(self) -> Artifacts:
        """Where artifacts go: what the client would ask the store for, which takes longer than to write."""
        return Artifacts(self.client, self.artifact_uri)

    def reopen(self, tags: Mapping[str, str]) -> None:
        """Let a run that has ended go on; why it had not ended well is no longer so."""
        self.client.update_run(self.location.run_id, status="RUNNING")
        self._forget_failure()
        self.tag(tags)

    def _forget_failure(self) -> None:
        if "failure" in self.client.get_run(self.location.run_id).data.tags:
            with suppress(*STORE_ERRORS, NotImplementedError):  # not every store can delete artifacts
                self._artifacts.delete(TRACE_NAME)
            self.client.delete_tag(self.location.run_id, "failure")

    def end(self, status: Status, failure: str | None = None, end_time: int | None = None) -> None:
        """End the run, at ``end_time`` in milliseconds since 1970 or now, and say why if not well."""
        if failure is not None:
            self.client.set_tag(self.location.run_id, "failure", failure)
        elif status == "FINISHED":
            self._forget_failure()  # of one that another process took for dead, or that is sent once more
        with suppress(OSError):
            self._artifacts.remove_unfinished(self._since)  # of a process that was killed
        self.client.set_terminated(self.location.run_id, status, end_time)


def make(
    client: MlflowClient, experiment_id: str, name: str, tags: Mapping[str, str], start_time: int
) -> TrackedRun:
    """A new run."""
    with asked_once():
        run = client.create_run(experiment_id, start_time=start_time, run_name=name, tags=dict(tags))
    return as_tracked(client, run.info)


def find_made(client: MlflowClient, experiment_id: str, token: str) -> TrackedRun | None:
    """The run that was made with a token, if the store took it; it may have, without saying so."""
    runs = client.search_runs([experiment_id], f"tags.`{TOKEN}` = '{token}'", max_results=1)
    return as_tracked(client, runs[0].info) if runs else None


def as_tracked(client: MlflowClient, info: Any) -> TrackedRun:
    """A run of which MLflow has told.

    Raises:
        TrackingError: if its artifacts are where they are not to be.
    """
    refuse_elsewhere(str(client.tracking_uri), info.artifact_uri)
    location = Location(client.tracking_uri, info.experiment_id, info.run_id)
    return TrackedRun(client, location, info.artifact_uri)


def dataset_input(data: Mapping[str, Any]) -> DatasetInput:
    """Data in MLflow's words, its schema as ``mlflow.types.TensorSpec`` writes it."""
    shapes = {"features": data["in_shape"], "targets": data["out_shape"]}
    specs = {
        name: json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, *shape]}}])
        for name, shape in shapes.items()
    }
    dataset = Dataset(
        name=str(data["settings"]["type"]),
        digest=data["digest"],
        source_type="local",
        source=json.dumps(data["settings"]),
        schema=json.dumps({"mlflow_tensorspec": specs}),
        profile=json.dumps(data["sizes"]),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, "training")])


def rows_of(run: TrackedRun) -> set[tuple[str, int]]:
    """Names and steps of all metrics that a run has. Raises what MLflow raises."""
    client, run_id = run.client, run.location.run_id
    names = client.get_run(run_id).data.metrics
    return {(name, row.step) for name in names for row in client.get_metric_history(run_id, name)}
