"""A run's journal on its way to the store, in a thread of its own, for as long as that takes."""

import logging
import time
from collections.abc import Callable
from threading import Condition, Event, Thread

from runner.config import sqlite_uri
from runner.errors import TrackingError
from runner.process.masking import masked_value
from runner.process.signals import Terminated, uninterrupted
from runner.tracking.events import HEARTBEAT, now
from runner.tracking.journal import Journal
from runner.tracking.log import history
from runner.tracking.sender import Sender
from runner.tracking.store import is_locked, is_refused, told
from runner.tracking.tracked_run import TrackedRun

log = logging.getLogger(__name__)

INTERVAL, LONGEST = 1.0, 15.0
"""Seconds between two tries: for a live UI at hardly any cost; at most, where one after the other fails."""

START_PATIENCE, END_PATIENCE, HURRIED = 6.0, 15.0, 3.0
"""Seconds that a store is waited for that does not answer: at a run's start, at its end, if it is stopped."""

SLOW_PATIENCE = 60.0
"""The same at a run's end for one that has answered so far, and is given a model perhaps."""

LOCK_PATIENCE = 120.0
"""The same for a SQLite file, which others make, or hold for a while."""

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
        self._failed_at = 0
        self._beaten = time.monotonic()
        self._thread = Thread(target=self._work, name="delivery", daemon=True)
        self._thread.start()

    def opened(self) -> TrackedRun:
        """The run, as soon as it is there; one that goes on, when the store knows all that it had to tell.

        Raises:
            TrackingError: if the store cannot be used.
        """
        assert self._sender is not None
        local = sqlite_uri.to_path(self._uri) is not None
        self._wait(lambda: LOCK_PATIENCE if local else START_PATIENCE, self._is_open)
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
        """Send what is left; whether that is done: a store that fails is waited for only a while."""
        with self._news:
            self._closing, self._is_hurried = True, hurried
        self._awake.set()
        try:
            patience = (lambda: HURRIED) if hurried else self._patience
            self._wait(patience, lambda: self._is_over, in_all=hurried)
        except (KeyboardInterrupt, Terminated):
            with uninterrupted():  # torchrun's SIGTERM comes while the run's end is told
                self._wait(lambda: HURRIED, lambda: self._is_over, in_all=True)
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

    def _patience(self) -> float:
        """How many seconds the store is waited for at a run's end, as it behaves now."""
        if self._failure is None or self._journal.sent.offset > self._failed_at:  # it answers again
            return SLOW_PATIENCE
        return LOCK_PATIENCE if is_locked(self._failure) else END_PATIENCE

    def _wait(
        self, patience: Callable[[], float], condition: Callable[[], bool], in_all: bool = False
    ) -> None:
        """Wait for a condition, so long in all, or as long as the store takes something now and then."""
        since, offset = time.monotonic(), self._journal.sent.offset
        with self._news:
            while not condition() and time.monotonic() - since < patience():
                self._news.wait(0.2)
                if self._journal.sent.offset != offset and not in_all:
                    since, offset = time.monotonic(), self._journal.sent.offset

    def _work(self) -> None:
        pause = 0.0
        while not self._is_over:
            self._awake.wait(pause)
            self._awake.clear()
            closing = self._closing  # asked before the journal is read: what comes after is for another round
            failure = self._try()
            self._tell_change(failure)
            with self._news:
                self._failure, self._failed_at = failure, self._journal.sent.offset
                self._has_opened = self._has_opened or failure is None
                is_refusal = failure is not None and is_refused(failure)
                self._is_over = self._is_over or is_refusal or (closing and failure is None)
                self._news.notify_all()
            pause = INTERVAL if failure is None else min(2 * pause + 0.2, 1.0 if self._closing else LONGEST)
        self._release()

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
        if (self._has_opened or self._closing) and not self._has_looked:
            self._has_looked = True
            sender.end_vanished()
        if not self._closing and time.monotonic() - self._beaten > BEAT:
            sender.run.tag({HEARTBEAT: str(now())})
            self._beaten = time.monotonic()

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
