"""One run in MLflow: opened before anything is read, ended truthfully whatever happens."""

import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Protocol

from mlflow import MlflowClient

from runner.data_input import DataInput
from runner.errors import RunnerError
from runner.launch import Launch
from runner.plain import Plain
from runner.signals import uninterrupted
from runner.tracking.location import Location
from runner.tracking.log import LOG_NAME
from runner.tracking.outcome import Failure, Status, status_of
from runner.tracking.store import connect, find_experiment, told_as_tracking_error
from runner.tracking.tracked_run import CONFIG_NAME, TrackedRun, config_yaml, run_name
from runner.tracking.writer import MetricWriter

log = logging.getLogger(__name__)


class Reporter(Protocol):
    """What a run's numbers are told to."""

    name: str

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics."""

    def leave(self, texts: Mapping[str, str]) -> None:
        """Report files, by their names."""


class NoTracker:
    """Reports nothing: of several workers the first one speaks for all."""

    name = "follower"

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Nothing."""

    def leave(self, texts: Mapping[str, str]) -> None:
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

    def __init__(self, plain: Plain, launch: Launch, tags: Mapping[str, str]) -> None:
        self._plain = plain
        self._launch = launch
        self._tags = tags
        self._run: TrackedRun | None = None
        self.name = run_name(launch, plain)

    @property
    def client(self) -> MlflowClient:
        """The store's, once the run is open."""
        return self._opened.client

    @property
    def location(self) -> Location:
        """Where the run is, once it is open."""
        return self._opened.location

    @property
    def _opened(self) -> TrackedRun:
        assert self._run is not None, "the context has not been entered"
        return self._run

    def __enter__(self) -> "Tracker":
        tracking = self._plain["tracking"]
        client = connect(tracking["uri"])
        experiment_id = find_experiment(client, tracking["experiment"])
        try:
            with uninterrupted():
                self._open(client, experiment_id)
        except BaseException as error:
            if self._run is not None:
                self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _open(self, client: MlflowClient, experiment_id: str) -> None:
        with told_as_tracking_error(client.tracking_uri):
            self._run = TrackedRun(client, experiment_id, self._plain, self._launch, self._tags)
            self._run.log([])
            self._writer = MetricWriter(self._run)
            self._run.leave({CONFIG_NAME: config_yaml(self._plain)}, [])

    def learns_from(self, data: DataInput) -> None:
        """Report the data.

        Raises:
            TrackingError: if it could not be written.
        """
        with told_as_tracking_error(self.location.uri):
            self._opened.learns_from(data)

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics; they are in the store within about a second.

        Raises:
            TrackingError: if earlier ones could not be written.
        """
        self._writer.write(values, step)

    def leave(self, texts: Mapping[str, str]) -> None:
        """Leave files with the run, by their names.

        Raises:
            TrackingError: if they could not be written.
        """
        with told_as_tracking_error(self.location.uri):
            self._opened.leave(texts, [])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with uninterrupted():
                self._end(status_of(error), error)
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
                reason = error or lost
                failure_told = None if reason is None else Failure.of(reason)
                self._opened.leave({}, [self._launch.folder / LOG_NAME], failure_told)
        except Exception as failure:  # likewise
            lost = lost or failure
        with told_as_tracking_error(self.location.uri):
            self._opened.end("FAILED" if lost and status == "FINISHED" else status)
        if lost is not None:
            raise lost
