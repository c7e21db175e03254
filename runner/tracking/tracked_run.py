"""One run in MLflow, call by call: made, described, told metrics, ended."""

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID
from mlflow.utils.uri import add_databricks_profile_info_to_artifact_uri

from runner.data_input import DataInput
from runner.launch import Launch
from runner.overrides import flatten
from runner.plain import Plain, to_yaml, without_sweep
from runner.tracking.location import Location
from runner.tracking.outcome import Failure, Status

PARAMS_A_CALL, ENTRIES_A_CALL, VALUE_LENGTH, NAME_LENGTH = 100, 1000, 6000, 250
"""MLflow's limits; a longer value stands whole in config.yaml or in the log."""

ATTEMPTS = 5
"""How often a data set is tried to be logged."""

CONFIG_NAME = "config.yaml"


class TrackedRun:
    """A run that exists from here on. Every method is one call or a few, and raises what MLflow raises.

    Args:
        client: of the store.
        experiment_id: the experiment that it belongs to.
        plain: the resolved config.
        launch: how the run was started.
        tags: what else the run is tagged with.
        start_time: milliseconds since 1970; now if left out.
    """

    def __init__(
        self,
        client: MlflowClient,
        experiment_id: str,
        plain: Plain,
        launch: Launch,
        tags: Mapping[str, str],
        start_time: int | None = None,
    ) -> None:
        self.client = client
        self._plain = without_sweep(plain)
        described = {
            **launch_tags(launch),
            "model": launch.model,
            "optim": type_of(plain, "optim"),
            "data": type_of(plain, "data"),
            **tags,
        }
        name = run_name(launch, plain)
        run = client.create_run(experiment_id, start_time=start_time, run_name=name, tags=described)
        self.location = Location(client.tracking_uri, experiment_id, run.info.run_id)
        self._artifact_uri = run.info.artifact_uri
        self._params = [Param(key, value[:VALUE_LENGTH]) for key, value in flatten(self._plain).items()]

    def learns_from(self, data: DataInput) -> None:
        """Log the data as the run's input.

        MLflow looks whether a data set is there and adds it if not: of several runs that do so at once all
        but one fail, and find it there when they try again.
        """
        for attempt in range(ATTEMPTS):
            try:
                self.client.log_inputs(self.location.run_id, datasets=[dataset_input(data)])
                return
            except MlflowException:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.1 * 2**attempt)

    def log(self, metrics: Sequence[Metric]) -> None:
        """Log metrics, however many; the first call logs the config as parameters, too."""
        left = list(metrics)
        while self._params or left:
            params = self._params[:PARAMS_A_CALL]
            some = left[: ENTRIES_A_CALL - len(params)]
            self.client.log_batch(self.location.run_id, metrics=some, params=params)
            del self._params[: len(params)], left[: len(some)]

    def leave(self, texts: Mapping[str, str], files: Iterable[Path], failure: Failure | None = None) -> None:
        """Log artifacts, those files that are there, and why the run did not end well."""
        run_id = self.location.run_id
        if failure is not None:
            self.client.set_tag(run_id, "failure", failure.reason[:VALUE_LENGTH])
            texts = {**texts, "traceback.txt": failure.trace}
        if texts:
            with TemporaryDirectory() as folder:
                for name, text in texts.items():
                    Path(folder, name).write_text(text, encoding="utf-8")
                self._artifacts.log_artifacts(folder)  # type: ignore[no-untyped-call]
        for file in files:
            if file.exists():
                self._artifacts.log_artifact(str(file))  # type: ignore[no-untyped-call]

    @cached_property
    def _artifacts(self) -> ArtifactRepository:
        """Where artifacts go: what the client would ask the store for, which takes longer than to write."""
        uri = self.client.tracking_uri
        place = add_databricks_profile_info_to_artifact_uri(  # type: ignore[no-untyped-call]
            self._artifact_uri, uri
        )
        return get_artifact_repository(place, tracking_uri=uri)

    def end(self, status: Status, end_time: int | None = None) -> None:
        """End the run, at ``end_time`` in milliseconds since 1970 or now."""
        self.client.set_terminated(self.location.run_id, status, end_time)


def dataset_input(data: DataInput) -> DatasetInput:
    """Data in MLflow's words, its schema as ``mlflow.types.TensorSpec`` writes it."""
    shapes = {"features": data.in_shape, "targets": data.out_shape}
    specs = {
        name: json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, *shape]}}])
        for name, shape in shapes.items()
    }
    dataset = Dataset(
        name=data.name,
        digest=data.digest,
        source_type="local",
        source=json.dumps(data.settings),
        schema=json.dumps({"mlflow_tensorspec": specs}),
        profile=json.dumps(data.sizes),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, "training")])


def config_yaml(plain: Plain) -> str:
    """A run's config as its config.yaml has it."""
    return to_yaml(without_sweep(plain))


def run_name(launch: Launch, plain: Plain) -> str:
    """What the run is called in MLflow."""
    return launch.run_name(type_of(plain, "optim"), plain.get("seed"))[:NAME_LENGTH]


def launch_tags(launch: Launch) -> dict[str, str]:
    """What every run is tagged with, a sweep's parent too: version, git commit, command, sweep."""
    command = launch.command[:VALUE_LENGTH]
    tags = {
        "runner_version": version("runner"),
        "command": command,
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
    }
    commit = git_commit(Path.cwd())
    if commit is not None:
        tags |= {"git_commit": commit, "mlflow.source.git.commit": commit}
    if launch.parent is not None:
        tags |= {"sweep_id": launch.parent, MLFLOW_PARENT_RUN_ID: launch.parent, "job": str(launch.job)}
    return tags


def type_of(plain: Plain, section: str) -> str:
    """The name of a component, as far as there is one."""
    component = plain.get(section)
    return str(component.get("type")) if isinstance(component, Mapping) else str(component)


@cache
def git_commit(folder: Path) -> str | None:
    """The commit that a folder is at; None outside a git repository or without git."""
    try:
        found: Any = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
