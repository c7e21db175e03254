"""From a journal to the store: in order, as few calls as it takes, nothing twice."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby

from mlflow import MlflowClient
from mlflow.entities import Metric

from runner.tracking.events import TOKEN, sweep_tags
from runner.tracking.journal import Event, Journal, Sent
from runner.tracking.location import PARENT, Location
from runner.tracking.note import NOTE, RUN_ID
from runner.tracking.saved_model import SavedModel
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import TrackedRun, as_tracked, find_made, make, rows_of
from runner.tracking.vanished import end_vanished

TOGETHER = {"params": "log", "metrics": "log", "note": "log"}
"""Kinds of events that one call can tell of together."""


class Sender:
    """Tells the store of one journal's events. What fails is told when asked again.

    Every method raises what MLflow raises, or a TrackingError.

    Args:
        journal: of the run.
        client: of the store, if there is one already.
        experiment_id: likewise.

    Attributes:
        run: the run, once it is there.
        has_asked: whether the store has been asked to make it, and may have done so.
    """

    def __init__(
        self, journal: Journal, client: MlflowClient | None = None, experiment_id: str | None = None
    ) -> None:
        self._journal = journal
        self._client, self._experiment_id = client, experiment_id
        self.run: TrackedRun | None = None
        self.has_asked = not journal.is_new

    def send(self) -> None:
        """Tell of everything that is in the journal."""
        while unsent := self._journal.unsent():
            for _, group in groupby(unsent, key=lambda each: TOGETHER.get(each[0]["kind"], str(each[1]))):
                some = list(group)
                self._tell([event for event, _ in some])
                self._journal.note_sent(replace(self._sent, offset=some[-1][1]))

    @property
    def _sent(self) -> Sent:
        if self.run is None:
            return self._journal.sent
        where = self.run.location
        return Sent(self._journal.sent.offset, where.run_id, where.experiment_id, self.run.artifact_uri)

    def end_vanished(self) -> None:
        """Mark the runs of the experiment whose processes have gone."""
        run = self._known
        end_vanished(run.client, run.location.experiment_id)

    def _tell(self, events: Sequence[Event]) -> None:
        event = events[0]
        match event["kind"]:
            case "begun":
                self.run = self._begin(event)
            case "continued":
                self._continue(event)
            case "reopened":
                self._reopen(event)
            case "params" | "metrics" | "note":
                self._log(events)
            case "data":
                self._known.learns_from(event["data"])
            case "files":
                self._known.leave(self._journal.folder, event["names"])
            case "model":
                self._keep(event)
            case "tags":
                self._known.tag(event["values"])
            case "ended":
                self._known.end(event["status"], event["failure"], event["time"])

    def connected(self, event: Event) -> tuple[MlflowClient, str]:
        """The store and the experiment that the journal's first event names, opened for who asks first."""
        if self._client is None:
            self._client = connect(event["uri"])
        if self._experiment_id is None:
            self._experiment_id = find_experiment(self._client, event["experiment"])
        return self._client, self._experiment_id

    def _begin(self, event: Event) -> TrackedRun:
        client, experiment_id = self.connected(event)
        tags = event["tags"]
        parent = None if event["sweep"] is None else self._journal.folder / event["sweep"] / PARENT
        if parent is not None and parent.exists():  # not where the store had gone before it took the sweep
            tags = tags | sweep_tags(Location.read(parent).run_id)
        if self.has_asked:
            made = find_made(client, experiment_id, tags[TOKEN])
            if made is not None:
                return made
        self.has_asked = True
        return make(client, experiment_id, event["name"], tags, event["time"])

    def _continue(self, event: Event) -> None:
        if self._client is None:
            self._client = connect(event["uri"])
        self.run = as_tracked(self._client, self._client.get_run(event["run_id"]).info)

    def _reopen(self, event: Event) -> None:
        if event["run_id"] is None:
            run = self._known
        else:
            client, _ = self.connected(event)
            run = as_tracked(client, client.get_run(event["run_id"]).info)
        run.reopen(event["tags"])
        self.run = run  # not before: who waits for it takes it as open

    @property
    def _known(self) -> TrackedRun:
        """The run, which an earlier process may have made."""
        if self.run is None:
            sent, first = self._journal.sent, self._journal.first
            assert sent.run_id is not None, "a journal begins with its run"
            if self._client is None:
                self._client = connect(first["uri"])
            location = Location(self._client.tracking_uri, sent.experiment_id, sent.run_id)
            self.run = TrackedRun(self._client, location, sent.artifact_uri)
        return self.run

    def _log(self, events: Sequence[Event]) -> None:
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        metrics: list[Metric] = []
        for event in events:
            if event["kind"] == "params":
                params |= event["values"]
            elif event["kind"] == "note":
                tags = {NOTE: event["text"].replace(RUN_ID, self._known.location.run_id)}
            else:
                rows = event["values"].items()
                metrics += [Metric(name, value, event["time"], event["step"]) for name, value in rows]
        if self._journal.goes_on:
            metrics = [metric for metric in metrics if (metric.key, metric.step) not in self._rows]
            self._rows.update((metric.key, metric.step) for metric in metrics)
        self._known.log(metrics, params, tags)

    @cached_property
    def _rows(self) -> set[tuple[str, int]]:
        """Names and steps of all metrics that the run has, which is told them again where it goes on."""
        return rows_of(self._known)

    def _keep(self, event: Event) -> None:
        from runner.tracking.model import log_model  # seldom wanted, and long to import

        folder = self._journal.folder / event["model"]["folder"]
        if folder.exists():  # else it has been told, and not been noted
            saved = SavedModel.told(event["model"], folder)
            log_model(self._known.client, self._known.location, saved, event["token"])
            shutil.rmtree(folder)
