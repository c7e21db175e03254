"""One run in MLflow: opened before anything is read, ended truthfully whatever happens."""

import logging
import shlex
import subprocess
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

import yaml
from mlflow import MlflowClient
from mlflow.entities import Param
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from runner import sqlite_uri
from runner.errors import RunnerError
from runner.launch import Launch
from runner.overrides import flatten
from runner.plain import Plain, without_sweep
from runner.signals import uninterrupted
from runner.tracking.store import connect, find_experiment, told_as_tracking_error
from runner.tracking.writer import MetricWriter

log = logging.getLogger(__name__)

Status = Literal["FINISHED", "FAILED", "KILLED"]

PARAMS_A_CALL, VALUE_LENGTH, NAME_LENGTH = 100, 6000, 250
"""MLflow's limits; a longer value stands whole in config.yaml or in the log."""

LOG_NAME = "runner.log"


@dataclass(frozen=True)
class Location:
    """Where a run is found: the store, the experiment in it, the run."""

    uri: str
    experiment_id: str
    run_id: str

    @property
    def how_to_look(self) -> str:
        """The command, or for a server the page, that shows the run."""
        if self.uri.startswith("http"):
            return f"{self.uri.rstrip('/')}/#/experiments/{self.experiment_id}/runs/{self.run_id}"
        path = sqlite_uri.to_path(self.uri)
        uri = self.uri
        if path is not None and path.is_relative_to(Path.cwd()):
            uri = sqlite_uri.from_path(path.relative_to(Path.cwd()))
        return f"mlflow ui --backend-store-uri {shlex.quote(uri)}"


class Reporter(Protocol):
    """What a run's numbers are told to."""

    name: str

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics."""


class NoTracker:
    """Reports nothing: of several workers the first one speaks for all."""

    name = "follower"

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Nothing."""


class Tracker:
    """A context in which one run reports to MLflow; leaving it ends the run.

    Left normally the run is FINISHED, by an exception FAILED with the reason as a tag and the traceback as
    an artifact, by Ctrl-C or SIGTERM KILLED. A signal that arrives while the run is opened or ended waits
    until that is done.

    Args:
        plain: the resolved config.
        launch: how the run was started.
        tags: what else the run is tagged with.

    Raises:
        TrackingError: if the store cannot be used, when the run is opened or ended.
    """

    client: MlflowClient
    location: Location

    def __init__(self, plain: Plain, launch: Launch, tags: Mapping[str, str]) -> None:
        self._plain = without_sweep(plain)
        self._launch = launch
        self._tags = tags
        self._opened = False
        self.name = launch.run_name(type_of(plain, "optim"), plain.get("seed"))[:NAME_LENGTH]

    def __enter__(self) -> "Tracker":
        tracking = self._plain["tracking"]
        self.client = connect(tracking["uri"])
        experiment_id = find_experiment(self.client, tracking["experiment"])
        try:
            with uninterrupted():
                self._open(experiment_id)
        except BaseException as error:
            if self._opened:
                self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _open(self, experiment_id: str) -> None:
        uri = self._plain["tracking"]["uri"]
        with told_as_tracking_error(uri):
            tags = {
                **launch_tags(self._launch),
                "model": self._launch.model,
                "optim": type_of(self._plain, "optim"),
                "data": type_of(self._plain, "data"),
                **self._tags,
            }
            run = self.client.create_run(experiment_id, run_name=self.name, tags=tags)
            self.location = Location(uri, experiment_id, run.info.run_id)
            self._writer = MetricWriter(self.client, run.info.run_id)
            self._opened = True
            self._describe()

    def _describe(self) -> None:
        params = [Param(key, value[:VALUE_LENGTH]) for key, value in flatten(self._plain).items()]
        for start in range(0, len(params), PARAMS_A_CALL):
            self.client.log_batch(self.location.run_id, params=params[start : start + PARAMS_A_CALL])
        text = yaml.safe_dump(self._plain, sort_keys=False, allow_unicode=True)
        self.client.log_text(self.location.run_id, text, "config.yaml")

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics; they are in the store within about a second.

        Raises:
            TrackingError: if earlier ones could not be written.
        """
        self._writer.write(values, step)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status: Status = "FINISHED"
        if error is not None:
            status = "FAILED" if isinstance(error, Exception | SystemExit) else "KILLED"
        try:
            with uninterrupted():
                self._end(status, error)
        except RunnerError as second:
            if error is None:
                raise
            log.warning("the run's end could not be reported: %s", second)

    def _end(self, status: Status, error: BaseException | None) -> None:
        """Write what is left to write, and end the run whether or not that works."""
        lost: Exception | None = None
        try:
            self._writer.close()
        except Exception as failure:  # raised below, when the run is ended
            lost = failure
        try:
            with told_as_tracking_error(self.location.uri):
                self._leave_artifacts(error or lost)
        except Exception as failure:  # likewise
            lost = lost or failure
        with told_as_tracking_error(self.location.uri):
            ended_as = "FAILED" if lost and status == "FINISHED" else status
            self.client.set_terminated(self.location.run_id, ended_as)
        if lost is not None:
            raise lost

    def _leave_artifacts(self, reason: BaseException | None) -> None:
        run_id = self.location.run_id
        if reason is not None:
            self.client.set_tag(run_id, "failure", reason_of(reason)[:VALUE_LENGTH])
            self.client.log_text(run_id, "".join(traceback.format_exception(reason)), "traceback.txt")
        log_file = self._launch.folder / LOG_NAME
        if log_file.exists():
            self.client.log_artifact(run_id, str(log_file))


def reason_of(error: BaseException) -> str:
    """Why a run ended, in a line or two."""
    if isinstance(error, RunnerError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def launch_tags(launch: Launch) -> dict[str, str]:
    """What every run is tagged with, a sweep's parent too: version, git commit, command, sweep."""
    command = launch.command[:VALUE_LENGTH]
    tags = {
        "runner_version": version("runner"),
        "command": command,
        "mlflow.source.name": command,
        "mlflow.source.type": "LOCAL",
    }
    commit = git_commit()
    if commit is not None:
        tags |= {"git_commit": commit, "mlflow.source.git.commit": commit}
    if launch.parent is not None:
        tags |= {"sweep_id": launch.parent, MLFLOW_PARENT_RUN_ID: launch.parent}
    return tags


def type_of(plain: Plain, section: str) -> str:
    """The name of a component, as far as there is one."""
    component = plain.get(section)
    return str(component.get("type")) if isinstance(component, Mapping) else str(component)


def git_commit() -> str | None:
    """The commit that the launch folder is at; None outside a git repository or without git."""
    try:
        found: Any = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
