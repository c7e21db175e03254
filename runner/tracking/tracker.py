"""One run in MLflow: opened before anything is read, ended truthfully whatever happens."""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Protocol

from filelock import Timeout

from runner.config.plain import Plain
from runner.config.schema import Choice
from runner.errors import RunnerError, TrackingError
from runner.process.launch import Launch
from runner.process.signals import uninterrupted
from runner.tracking import events
from runner.tracking.data_input import DataInput
from runner.tracking.delivery import Delivery
from runner.tracking.journal import Event, Journal, owner_lock
from runner.tracking.location import Location, how_to_send
from runner.tracking.log import LOG_NAME
from runner.tracking.note import Note
from runner.tracking.outcome import Failure, Status, status_of
from runner.tracking.repository import uncommitted
from runner.tracking.saved_model import SavedModel
from runner.tracking.sender import Sender
from runner.tracking.store import STORE_ERRORS, is_refused, told
from runner.tracking.system_metrics import SystemMetrics

log = logging.getLogger(__name__)

LOCAL = "local-"
"""How the name begins of a run that the store has not been told of."""


class Reporter(Protocol):
    """What a run's numbers are told to."""

    name: str

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics."""

    def leave(self, files: Mapping[str, str | bytes]) -> None:
        """Report files: what is in them, by their places among the run's."""


class NoTracker:
    """Reports nothing: of several workers the first one speaks for all."""

    name = "follower"

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Nothing."""

    def leave(self, files: Mapping[str, str | bytes]) -> None:
        """Nothing."""


class Tracker:
    """A context in which one run reports to MLflow; leaving it ends the run.

    Left normally the run is FINISHED, by an exception FAILED with the reason as a tag and the traceback as
    an artifact, by Ctrl-C or SIGTERM KILLED. The store has to be there at the beginning. From then on all
    is written to a journal in the run's folder first, and sent from there by a thread: a store that fails is
    waited for, at the end for a while, and what it has not taken then stays for ``python -m runner sync``.

    Args:
        plain: the resolved config.
        launch: how the run was started.
        tags: what else the run is tagged with.
        run_id: the run that goes on; its folder is the launch's. None for a new one.

    Raises:
        TrackingError: if the store cannot be used when the run is opened, or another process writes it.
    """

    def __init__(
        self, plain: Plain, launch: Launch, tags: Mapping[str, str], run_id: str | None = None
    ) -> None:
        self._plain, self._launch, self._tags, self._run_id = plain, launch, tags, run_id
        self._uri: str = plain["tracking"]["uri"]
        self._offline: bool = plain["tracking"].get("offline", False)
        self._lock = owner_lock(launch.folder)
        self._watched: Choice = plain["tracking"].get("system_metrics", False)
        self._aside: Thread | None = None
        self._system: SystemMetrics | None = None
        self._note = Note(plain, launch, tags)
        self.name = events.run_name(launch, plain)

    @property
    def location(self) -> Location:
        """Where the run is, once it is open."""
        return self._location

    def __enter__(self) -> "Tracker":
        try:
            self._lock.acquire(timeout=2)  # who only looks whether it is held has it for a moment
        except Timeout as error:
            raise TrackingError(f"{self._launch.folder}: another process writes the run there") from error
        self._journal = Journal(self._launch.folder)
        try:
            first = self._opening()
            self._journal.append(*first)
        except BaseException:
            self._lock.release()
            raise
        self._sender = None if self._offline else Sender(self._journal, self._uri)
        self._delivery = Delivery(self._journal, self._sender, self._uri, self._lock.release)
        try:
            self._location = self._open(first[0])
        except RunnerError as error:
            self._give_up(error)
            raise
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        if self._launch.parent is None and self._watched is not False:
            began = self._launch.began or events.now()
            self._system = SystemMetrics(self._watched, self._tell_system, began)
        if self._run_id is None and self._launch.parent is None:  # a sweep's parent tells for its jobs
            self._aside = Thread(target=self._tell_uncommitted, name="git", daemon=True)
            self._aside.start()
        return self

    def _tell_system(self, values: Mapping[str, float], step: int) -> None:
        self._journal.append(events.measured(values, step))

    def _tell_uncommitted(self) -> None:
        """Leave what has been changed since the last commit; git takes its time."""
        changes = uncommitted(Path.cwd())
        if changes is None:
            return
        told = [events.tagged(changes.tags)]
        try:
            if changes.files:
                told.append(events.left(self._launch.folder, changes.files))
            self._journal.append(*told)
        except (TrackingError, OSError) as error:
            log.warning("what is uncommitted could not be reported: %s", error)

    def _opening(self) -> list[Event]:
        """What is told first.

        Raises:
            TrackingError: if what is needed to go on with a run is not there.
        """
        config = events.left(self._launch.folder, {events.CONFIG_NAME: events.config_yaml(self._plain)})
        if self._run_id is None:
            return [
                events.begun(self._plain, self._launch, self._tags),
                events.configured(self._plain),
                events.noted(self._note.text()),
                config,
            ]
        is_local = self._run_id.startswith(LOCAL)
        if self._journal.is_new and is_local:
            raise TrackingError(f"run '{self._run_id}' has been sent to the store, and has another id there")
        if self._journal.is_new and self._offline:
            raise TrackingError(
                f"run '{self._run_id}' can't go on without the store: tracking.offline is true"
            )
        reopened = events.reopened(
            self._launch.folder, None if is_local else self._run_id, self._plain["tracking"]
        )
        return [reopened, events.noted(self._note.text()), config]  # which may have more epochs now

    def _open(self, first: Event) -> Location:
        if self._offline:
            name = self._run_id or f"{LOCAL}{first['tags'][events.TOKEN][:12]}"
            return Location(self._uri, "", name, str(self._launch.folder))
        return self._delivery.opened().location

    def _give_up(self, error: RunnerError) -> None:
        """Nothing has been trained: leave nothing behind, as far as the store allows that."""
        self._delivery.abandon()
        if self._run_id is None:
            self._journal.remove()
        if self._sender and self._sender.run is not None and self._delivery.failure is not None:
            with suppress(*STORE_ERRORS):  # which may be the very trouble
                self._sender.run.end("FAILED", str(error))

    def learns_from(self, data: DataInput) -> None:
        """Report the data."""
        self._note.data = data
        self._journal.append(events.learns_from(data))

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Report metrics; they are in the store within about a second.

        What a run that goes on has told of a step before is not sent again.
        """
        self._note.measure(values, step)
        self._journal.append(events.measured(values, step))

    def leave(self, files: Mapping[str, str | bytes]) -> None:
        """Leave files with the run: what is in them, by their places among its own."""
        self._journal.append(events.left(self._launch.folder, files))

    def keep(self, model: SavedModel) -> None:
        """Leave the trained model with the run; its folder becomes part of the run's."""
        self._journal.append(events.kept(self._launch.folder, model))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        status, folder = status_of(error), self._launch.folder
        is_stopped = status == "KILLED"
        try:
            with uninterrupted():
                failure = None if error is None else Failure.of(error)
                if self._system is not None:
                    self._system.stop()
                if self._aside is not None:
                    self._aside.join()
                note = self._note.text(status, None if failure is None else failure.reason)
                end = events.ended(folder, status, failure)
                self._journal.append(events.noted(note), events.left(folder, {}, [LOG_NAME]), *end)
        except (RunnerError, OSError) as second:
            if error is None:
                raise
            log.warning("the run's end could not be reported: %s", second)
        except BaseException:
            is_stopped = True
            raise
        finally:
            self._finish(status, is_stopped)

    def _finish(self, status: Status, is_stopped: bool) -> None:
        """Wait for the store a while; what it has not taken then stays."""
        is_sent = False
        try:
            is_sent = self._delivery.finish(is_stopped)
        finally:
            if is_sent:
                self._journal.remove()
            else:
                self._end_refused(status)
                self._tell_unsent()

    def _end_refused(self, status: Status) -> None:
        """End a run in the store that refused some of it for good: it is not FINISHED without that."""
        failure = self._delivery.failure
        if failure is not None and is_refused(failure) and self._sender and self._sender.run is not None:
            with suppress(*STORE_ERRORS):  # as where the run has been deleted
                reason = f"the store did not take all of the run: {told(failure)}"
                self._sender.run.end("FAILED" if status == "FINISHED" else status, reason)

    def _tell_unsent(self) -> None:
        failure = self._delivery.failure
        why = "tracking.offline is true" if self._offline else told(failure) if failure else "it is slow"
        count, place = self._journal.count_unsent(), how_to_send(self._launch.folder, self._uri)
        print(f"{count} events are not in the store yet ({why}); to send them: {place}", file=sys.stderr)
