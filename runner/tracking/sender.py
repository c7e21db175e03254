"""From a journal to the store: in order, as few calls as it takes, nothing twice."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby

from mlflow import MlflowClient
from mlflow.entities import Metric

from runner.errors import TrackingError
from runner.tracking.events import FOLDER, MODEL_FOLDERS, TOKEN, sweep_tags
from runner.tracking.inside import above, inside
from runner.tracking.journal import SENT, Event, Journal, Sent
from runner.tracking.location import PARENT, Location
from runner.tracking.note import NOTE, RUN_ID
from runner.tracking.saved_model import SavedModel
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import TrackedRun, as_tracked, find_made, make, rows_of
from runner.tracking.vanished import end_vanished

TOGETHER: dict[str, str | int] = {"params": "log", "metrics": "log", "note": "log"}
"""Kinds of events that one call can tell of together."""


class Sender:
    """Tells the store of one journal's events. What fails is told when asked again.

    Every method raises what MLflow raises, or a TrackingError.

    Args:
        journal: of the run.
        uri: of the store; what the journal says of that does not count.
        client: of the store, if there is one already.
        experiment_id: likewise.

    Attributes:
        run: the run, once it is there.
        has_asked: whether the store has been asked to make it, and may have done so.
    """

    def __init__(
        self,
        journal: Journal,
        uri: str,
        client: MlflowClient | None = None,
        experiment_id: str | None = None,
    ) -> None:
        self._journal, self._uri = journal, uri
        self._client, self._experiment_id = client, experiment_id
        self.run: TrackedRun | None = None
        self.has_asked = not journal.is_new

    def send(self) -> None:
        """Tell of everything that is in the journal."""
        while unsent := self._journal.unsent():
            numbered = enumerate(unsent)
            for _, group in groupby(numbered, key=lambda each: TOGETHER.get(each[1][0]["kind"], each[0])):
                some = [each for _, each in group]
                self._tell([event for event, _ in some])
                self._journal.note_sent(replace(self._sent, offset=some[-1][1]))

    @property
    def steps(self) -> int:
        """How many of the steps are done that open the store: experiment, request for a run, run."""
        return (self._experiment_id is not None) + self.has_asked + (self.run is not None)

    @property
    def _sent(self) -> Sent:
        if self.run is None:
            return self._journal.sent
        where = self.run.location
        return Sent(self._journal.sent.offset, where.run_id, where.experiment_id, self.run.artifact_uri)

    def end_vanished(self) -> None:
        """Mark the runs of the experiment whose processes have gone."""
        run = self.known
        end_vanished(run.client, run.location.experiment_id)

    def _tell(self, events: Sequence[Event]) -> None:
        event = events[0]
        match event["kind"]:
            case "begun":
                self.run = self._begin(event)
            case "sweep":
                self._head_sweep()
            case "continued":
                self._continue(event)
            case "reopened":
                self._reopen(event)
            case "params" | "metrics" | "note":
                self._log(events)
            case "data":
                self.known.learns_from(event["data"])
            case "files":
                self.known.leave(self._journal.folder, event["names"])
            case "model":
                self._keep(event)
            case "tags":
                self.known.tag(event["values"])
            case "ended":
                self.known.end(event["status"], event["failure"], event["time"])

    def connected(self, event: Event) -> tuple[MlflowClient, str]:
        """The store, and the experiment that the journal's first event names, opened for who asks first."""
        client = self._connect()
        if self._experiment_id is None:
            self._experiment_id = find_experiment(client, event["experiment"])
        return client, self._experiment_id

    def _connect(self) -> MlflowClient:
        if self._client is None:
            self._client = connect(self._uri)
        return self._client

    def _begin(self, event: Event) -> TrackedRun:
        client, experiment_id = self.connected(event)
        tags = {**event["tags"], **self._place}
        if event["sweep"] is not None:
            parent = Location.found(inside(above(self._journal.folder, event["sweep"]), PARENT))
            if parent is not None:  # not where the store had gone before it took the sweep
                tags = tags | sweep_tags(parent.run_id)
        if self.has_asked:
            made = find_made(client, experiment_id, tags[TOKEN])
            if made is not None:
                return made
        self.has_asked = True
        return make(client, experiment_id, event["name"], tags, event["time"])

    def _head_sweep(self) -> None:
        """Make the run its jobs' parent: they look for that in its folder."""
        where = self.known.location
        self.known.tag({"sweep_id": where.run_id})
        where.write(inside(self._journal.folder, PARENT))

    @property
    def _place(self) -> dict[str, str]:
        """The tag that says where the run's folder lies now: it may have been moved with its journal."""
        return {FOLDER: str(self._journal.folder.absolute())}

    def _continue(self, event: Event) -> None:
        self.run = self._found(event["run_id"])

    def _found(self, run_id: str, token: str | None = None) -> TrackedRun:
        """A run that is there, as the store knows it; one that was made with the token, if that is given."""
        client = self._connect()
        run = client.get_run(run_id)
        if token is not None and run.data.tags.get(TOKEN) != token:
            raise TrackingError(f"{self._journal.folder / SENT}: names run '{run_id}', which is another's")
        return as_tracked(client, run.info)

    def _reopen(self, event: Event) -> None:
        run_id = event["run_id"]  # which finds it, though its experiment may have another name by now
        run = self.known if run_id is None else self._found(run_id)
        run.reopen({**event["tags"], **self._place})
        self.run = run  # not before: who waits for it takes it as open

    @property
    def known(self) -> TrackedRun:
        """The run, which an earlier process may have made."""
        if self.run is None:
            run_id, first = self._journal.sent.run_id, self._journal.first
            if run_id is None:
                raise TrackingError(f"{self._journal.path}: does not begin with its run")
            token = first["tags"][TOKEN] if first["kind"] == "begun" else None
            self.run = self._found(run_id, token)
        return self.run

    def _log(self, events: Sequence[Event]) -> None:
        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        metrics: list[Metric] = []
        for event in events:
            if event["kind"] == "params":
                params |= event["values"]
            elif event["kind"] == "note":
                tags = {NOTE: event["text"].replace(RUN_ID, self.known.location.run_id)}
            else:
                rows = event["values"].items()
                metrics += [Metric(name, value, event["time"], event["step"]) for name, value in rows]
        if self._journal.goes_on:
            metrics = [metric for metric in metrics if (metric.key, metric.step) not in self._rows]
        self.known.log(metrics, params, tags)
        if self._journal.goes_on:  # not before the store has them: what fails is sent again
            self._rows.update((metric.key, metric.step) for metric in metrics)

    @cached_property
    def _rows(self) -> set[tuple[str, int]]:
        """Names and steps of all metrics that the run has, which is told them again where it goes on."""
        return rows_of(self.known)

    def _keep(self, event: Event) -> None:
        from runner.tracking.model import log_model  # seldom wanted, and long to import

        named = event["model"]["folder"]
        if named not in MODEL_FOLDERS:
            raise TrackingError(f"{self._journal.path}: {named!r} is no model's folder")
        folder = inside(self._journal.folder, named)
        if folder.is_dir():  # else it has been told, and not been noted
            saved = SavedModel.told(event["model"], folder)
            log_model(self.known.client, self.known.location, saved, event["token"])
            saved.remove()
