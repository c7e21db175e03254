"""A run's journal on its way to the store, in a thread of its own, for as long as that takes."""

import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Event, Thread

from runner.errors import TrackingError
from runner.process.masking import masked_value
from runner.process.signals import Terminated, uninterrupted
from runner.tracking.events import HEARTBEAT, now
from runner.tracking.journal import Journal
from runner.tracking.log import history
from runner.tracking.sender import Sender
from runner.tracking.store import STORE_ERRORS, is_database, is_locked, is_refused, told
from runner.tracking.tracked_run import TrackedRun

log = logging.getLogger(__name__)

INTERVAL, LONGEST = 1.0, 15.0
"""Seconds between two tries: for a live UI at hardly any cost; at most, where one after the other fails."""

START_PATIENCE, END_PATIENCE, HURRIED = 6.0, 15.0, 3.0
"""Seconds that a store is waited for: that does not answer at a run's start, that fails again and again at
its end without taking anything, at most if the run is stopped. One that is only slow is waited for at its
end as long as it takes: a request that is not answered fails by itself."""

LOCK_PATIENCE = 120.0
"""The same for a database, which may have to be made, or which others make or hold for a while."""

BEAT = 30.0
"""Seconds between two signs of life."""


class Delivery:
    """Sends what is in a journal, again and again until the store has taken it; training never waits for it.

    Args:
        journal: appended to by others meanwhile.
        sender: sends it; None if nothing is to be sent.
        uri: of the store.
        release: called when the thread will touch the journal no more.
    """

    def __init__(
        self, journal: Journal, sender: Sender | None, uri: str, release: Callable[[], None]
    ) -> None:
        self._journal, self._sender, self._uri, self._release = journal, sender, uri, release
        self._news, self._awake = Condition(), Event()
        self._closing = self._is_hurried = self._is_over = self._has_opened = self._has_looked = False
        self._failure: Exception | None = None
        self._failing_since: float | None = None
        self._closed_at = 0.0
        self._beaten = time.monotonic()
        self._thread = Thread(target=self._work, name="delivery", daemon=True)
        self._thread.start()

    def opened(self) -> TrackedRun:
        """The run, as soon as it is there; one that goes on, when the store knows all that it had to tell.

        Raises:
            TrackingError: if the store cannot be used.
        """
        assert self._sender is not None
        self._wait(self._start_patience(), self._is_open)
        with self._news:
            if self._is_ready:
                assert self._sender.run is not None
                return self._sender.run
            failure = self._failure
        reason = "it does not answer" if failure is None else told(failure, self._uri)
        if isinstance(failure, TrackingError):
            raise failure
        raise TrackingError(
            f"tracking.uri: '{masked_value(self._uri)}' cannot be used: {reason}"
        ) from failure

    def _start_patience(self) -> float:
        """Seconds without a sign of the store; one that has to be told of an earlier life may be slow."""
        if is_database(self._uri):
            return LOCK_PATIENCE
        return START_PATIENCE if self._journal.is_new else math.inf

    @property
    def _is_ready(self) -> bool:
        is_there = self._sender is not None and self._sender.run is not None
        return self._has_opened or (is_there and self._journal.is_new)

    def _is_open(self) -> bool:
        """Whether the run is there, or it is of no use to wait for it."""
        assert self._sender is not None
        if self._is_ready or self._is_over:
            return True
        hopeful = is_locked(self._failure) or (self._sender.has_asked and self._journal.is_new)
        return self._failure is not None and not hopeful

    def finish(self, hurried: bool) -> bool:
        """Send what is left; whether that is done: a store that keeps failing is waited for only a while."""
        with self._news:
            self._closing, self._is_hurried, self._closed_at = True, hurried, time.monotonic()
        self._awake.set()
        try:
            self._wait(HURRIED if hurried else math.inf, lambda: self._is_over, in_all=hurried)
        except (KeyboardInterrupt, Terminated):
            with uninterrupted():  # torchrun's SIGTERM comes while the run's end is told
                self._wait(HURRIED, lambda: self._is_over, in_all=True)
            raise
        finally:
            with self._news:
                is_done = self._is_over and self._failure is None
                self._is_over = True
        if is_done:
            self._thread.join()
        return is_done and self._sender is not None

    def abandon(self) -> None:
        """Send nothing more."""
        with self._news:
            self._is_over = True
        self._awake.set()

    @property
    def failure(self) -> Exception | None:
        """Why the store does not take what it is told, if so."""
        return self._failure

    def _wait(self, patience: float, condition: Callable[[], bool], in_all: bool = False) -> None:
        """Wait for a condition, so long in all, or as long as the store takes something now and then."""
        since, progress = time.monotonic(), self._progress
        with self._news:
            while not condition() and time.monotonic() - since < patience:
                self._news.wait(0.2)
                if self._progress != progress and not in_all:
                    since, progress = time.monotonic(), self._progress

    @property
    def _progress(self) -> tuple[int, int]:
        """How far the store has been told, and has been opened."""
        return self._journal.sent.offset, 0 if self._sender is None else self._sender.steps

    def _work(self) -> None:
        pause = 0.0
        while not self._is_over:
            self._awake.wait(pause)
            self._awake.clear()
            closing = self._closing  # asked before the journal is read: what comes after is for another round
            before = self._progress
            failure = self._try()
            self._tell_change(failure)
            with self._news:
                self._note(failure, self._progress != before)
                self._is_over = self._is_over or (self._is_hopeless if failure else closing)
                self._news.notify_all()
            pause = INTERVAL if failure is None else min(2 * pause + 0.2, 1.0 if self._closing else LONGEST)
        self._release()

    def _note(self, failure: Exception | None, has_moved: bool) -> None:
        """Remember how the last try went, and for how long the store has taken nothing."""
        self._failure = failure
        self._has_opened = self._has_opened or failure is None
        if failure is None:
            self._failing_since = None
        elif self._failing_since is None or has_moved:
            self._failing_since = time.monotonic()

    @property
    def _is_hopeless(self) -> bool:
        """Whether there is no use in another try, or nobody can wait for it any longer."""
        assert self._failure is not None
        assert self._failing_since is not None
        if is_refused(self._failure):
            return True
        waited = time.monotonic() - max(self._failing_since, self._closed_at)
        return self._closing and waited > (LOCK_PATIENCE if is_locked(self._failure) else END_PATIENCE)

    def _try(self) -> Exception | None:
        """Send what is there; gives what went wrong."""
        try:
            self._journal.sync()
            if self._sender is not None:
                self._sender.send()
                self._beat(self._sender)
        except Exception as error:  # whatever it is, it is not worth a run
            return error
        return None

    def _beat(self, sender: Sender) -> None:
        """Show now and then that somebody is here; the first time, see whether others have gone."""
        if sender.run is None or self._is_hurried:
            return
        with suppress(*STORE_ERRORS):  # of other runs, or of no weight: this one's news has been sent
            if (self._has_opened or self._closing) and not self._has_looked:
                self._has_looked = True
                sender.end_vanished()
            if not self._closing and time.monotonic() - self._beaten > BEAT:
                self._beaten = time.monotonic()
                sender.run.tag({HEARTBEAT: str(now())})

    def _tell_change(self, failure: Exception | None) -> None:
        """Warn once where sending begins to fail, in the log alone where it works again."""
        if not self._is_ready:
            return  # who waits for that tells it
        if failure is not None and is_refused(failure):
            log.warning(
                "the store refuses what it is told, kept in %s: %s", self._journal.path, told(failure)
            )
        elif failure is not None and self._failure is None:
            log.warning("the store can't be told for now, kept in %s: %s", self._journal.path, told(failure))
        elif failure is None and self._failure is not None:
            history.info("the store has been told what it had missed")
