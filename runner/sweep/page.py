"""One job in a sweep's books: what has been told of it, and how that comes into the store."""

import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric

from runner import sqlite_uri
from runner.plain import to_yaml
from runner.sweep.messages import Ended, Opened
from runner.sweep.record import JobResult
from runner.tracking import events
from runner.tracking.events import CONFIG_NAME, config_yaml
from runner.tracking.log import LOG_NAME
from runner.tracking.tracked_run import TrackedRun, make

CONNECTIONS = 8
"""Runs that are written at once, to a server; SQLite takes one writer."""


@dataclass(frozen=True)
class Store:
    """An open store and the sweep's experiment in it."""

    client: MlflowClient
    experiment_id: str

    @property
    def uri(self) -> str:
        """Where it is."""
        return str(self.client.tracking_uri)

    @property
    def connections(self) -> int:
        """How many runs can be written at once."""
        return CONNECTIONS if sqlite_uri.to_path(self.uri) is None else 1


@dataclass
class Page:
    """A job's page.

    Attributes:
        opened: how it began.
        begun: whether somebody writes it, or has.
        run: its run, once that is there.
        has_data: whether that says what it learns from.
        pending: metrics that are not written yet.
        ended: how it ended, if it has.
        failing_since: when the store first refused what is written now.
    """

    opened: Opened
    begun: bool = False
    run: TrackedRun | None = None
    has_data: bool = False
    pending: list[Metric] = field(default_factory=list)
    ended: Ended | None = None
    failing_since: float | None = None

    @property
    def is_due(self) -> bool:
        """Whether there is something to write that will cost no less later."""
        return self.run is None or self.ended is not None

    def open_run(self, store: Store, parent_id: str) -> TrackedRun:
        """The run, which is made if it isn't there yet; what fails is tried when asked again."""
        opened = self.opened
        if self.run is None:
            launch = replace(opened.launch, parent=parent_id)
            for place, content in opened.records.items():
                write_yaml(launch.folder / place, content)
            event = events.begun(opened.plain, launch, opened.tags, opened.time)
            self.run = make(store.client, store.experiment_id, event["name"], event["tags"], event["time"])
            self.run.log([], events.configured(opened.plain)["values"])
        if opened.data is not None and not self.has_data:
            self.run.learns_from(asdict(opened.data))
            self.has_data = True
        return self.run

    def end_run(self, run: TrackedRun, ended: Ended) -> JobResult:
        """Leave the job's files with its run and end that; gives the result with the run's id."""
        folder = self.opened.launch.folder
        folder.mkdir(parents=True, exist_ok=True)
        texts = {**ended.texts, CONFIG_NAME: config_yaml(self.opened.plain), LOG_NAME: ended.log}
        if ended.failure is not None:
            texts["traceback.txt"] = ended.failure.trace
        run.leave(folder / name for name in events.left(folder, texts)["names"])
        if ended.model is not None:
            from runner.tracking.model import log_model  # seldom wanted, and long to import

            log_model(run.client, run.location, ended.model, "token")
            shutil.rmtree(ended.model.folder)
        run.end(ended.result.status, ended.failure.reason if ended.failure else None, ended.time)
        return replace(ended.result, run_id=run.location.run_id)


def write_yaml(path: Path, content: object) -> None:
    """Write plain values as a YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_yaml(content), "utf-8")
