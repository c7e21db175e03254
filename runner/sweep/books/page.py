"""One job in a sweep's books: what has been told of it, and how that comes into the store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient

from runner.config import sqlite_uri
from runner.config.plain import to_yaml
from runner.process import atomic
from runner.sweep.books.messages import Ended, Opened
from runner.sweep.record import PRUNED
from runner.tracking import events
from runner.tracking.events import CONFIG_NAME, config_yaml
from runner.tracking.journal import Journal
from runner.tracking.log import LOG_NAME
from runner.tracking.note import Note
from runner.tracking.sender import Sender
from runner.tracking.tracked_run import TrackedRun

RECORD = ".job.json"
"""What the sweep's report asks of a job, in its folder: its objective and its tags."""

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


class Page:
    """A job's page: its journal, in its own folder, and what is known of how far that has been told.

    Args:
        opened: how the job begins.
        sweep: the sweep's folder.

    Attributes:
        begun: whether somebody writes it, or has.
        has_metrics: whether it tells of any.
        ended: how the job ended, if it has.
        is_told: whether those who wait for its end know of it.
        failing_since: when the store first failed to take what is written now.
    """

    def __init__(self, opened: Opened, sweep: Path) -> None:
        self.opened = opened
        self.begun = self.has_metrics = self.is_told = False
        self.ended: Ended | None = None
        self.failing_since: float | None = None
        self._sender: Sender | None = None
        folder = opened.launch.folder
        folder.mkdir(parents=True, exist_ok=True)
        for place, content in opened.records.items():
            write_yaml(folder / place, content)
        self._note = Note(opened.plain, opened.launch, opened.tags)
        self._note.data = opened.data
        known = {"objective": opened.plain.get("objective"), **opened.tags}
        atomic.write_text(folder / RECORD, json.dumps(known))
        self.journal = Journal(folder)
        if opened.run_id is not None:
            self.journal.append(events.reopened(folder, opened.run_id, opened.plain["tracking"]))
            return
        told = [
            events.begun(opened.plain, opened.launch, opened.tags, opened.time, sweep),
            events.configured(opened.plain),
            events.noted(self._note.text()),
        ]
        if opened.data is not None:
            told.append(events.learns_from(opened.data))
        self.journal.append(*told)

    @property
    def is_due(self) -> bool:
        """Whether there is something to write that will cost no less later."""
        return self._sender is None or self._sender.run is None or self.ended is not None

    def measure(self, values: Mapping[str, float], step: int, time: int) -> None:
        """Note metrics."""
        self._note.measure(values, step)
        self.journal.append(events.measured(values, step, time))
        self.has_metrics = True

    def end(self, ended: Ended) -> None:
        """Note the job's end, with what it leaves."""
        folder = self.opened.launch.folder
        files = {**ended.files, CONFIG_NAME: config_yaml(self.opened.plain), LOG_NAME: ended.log}
        model = [] if ended.model is None else [events.kept(folder, ended.model)]
        end = events.ended(folder, ended.result.status, ended.failure, ended.time)
        note = events.noted(self._note.text(ended.result.status, ended.result.reason))
        pruned = ended.result.pruned
        tags = [] if pruned is None else [events.tagged({PRUNED: str(pruned)})]
        self.journal.append(note, events.left(folder, files), *model, *tags, *end)
        self.journal.sync()
        self.journal.close()
        self.ended = ended

    def send(self, store: Store) -> TrackedRun:
        """Tell the store what it does not know yet; what fails is told when asked again."""
        if self._sender is None:
            self._sender = Sender(self.journal, store.uri, store.client, store.experiment_id)
        self._sender.send()
        assert self._sender.run is not None, "a journal begins with its run"
        return self._sender.run

    @property
    def run(self) -> TrackedRun | None:
        """Its run, once that is there."""
        return None if self._sender is None else self._sender.run


def write_yaml(path: Path, content: object) -> None:
    """Write plain values, as they were given with all secrets, as a YAML file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_private(path, to_yaml(content))
