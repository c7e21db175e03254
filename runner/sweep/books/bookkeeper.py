"""Keeps a sweep's books: tells MLflow, in batches and in its own time, what many runs report.

It works in a process of its own, ``runner.sweep.books.process``.
"""

import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread

from filelock import BaseFileLock, Timeout

from runner.config.compose import one_line
from runner.errors import TrackingError
from runner.process.masking import masked, masked_value
from runner.sweep.books import parent
from runner.sweep.books.messages import (
    Closed,
    Ended,
    Find,
    Found,
    FromBooks,
    Hurry,
    Lost,
    Measured,
    Opened,
    Start,
    ToBooks,
    Written,
)
from runner.sweep.books.page import Page, Store
from runner.sweep.record import JobResult, add_result
from runner.tracking.delivery import BEAT
from runner.tracking.events import FOLDER, HEARTBEAT, now
from runner.tracking.finished import find_finished, find_unfinished
from runner.tracking.journal import Journal, owner_lock
from runner.tracking.location import how_to_send
from runner.tracking.outcome import Failure
from runner.tracking.own_folder import is_of_sweep
from runner.tracking.resend import journals_in, send
from runner.tracking.store import (
    STORE_ERRORS,
    connect,
    find_experiment,
    is_refused,
    told,
    told_as_tracking_error,
)
from runner.tracking.vanished import end_vanished

log = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two rounds of writing."""

SHARE = 0.2
"""How much of its time may go into metrics of runs that go on, for the UI: many together cost less."""

PATIENCE, LONGEST = 15.0, 10.0
"""Seconds for which a store that fails is waited for where somebody waits; between two tries, at most."""

HOME_PATIENCE = 60.0
"""Seconds for which the books of a sweep that was killed may take to be closed, before it goes on."""


class Bookkeeper:
    """Hears of jobs and writes what it hears, in a thread of its own.

    Args:
        start: the sweep.
        tell: takes what the one who trains is to know.
    """

    def __init__(self, start: Start, tell: Callable[[FromBooks], None]) -> None:
        self._start = start
        self._tell = tell
        self._pages: dict[int, Page] = {}
        self._lock = Lock()
        self._connecting = Lock()
        self._store: Store | None = None
        self._lost = False
        self._failure: Exception | None = None
        self._failing_since: float | None = None
        self._beaten: float | None = None
        self._closed_at = 0.0
        self._owner = owner_lock(start.folder)
        self._owner.acquire(timeout=2)  # who only looks whether it is held has it for a moment
        self._home: BaseFileLock | None = None
        self._awake, self._closing = Event(), Event()
        self._partly_again = 0.0
        self._thread = Thread(target=self._write_in_rounds, name="books", daemon=True)
        self._thread.start()

    def hear(self, message: ToBooks) -> None:
        """Take a message; it is written later."""
        if isinstance(message, Find):
            self._find(message)
        elif isinstance(message, Hurry):
            self._awake.set()
        elif isinstance(message, Opened | Measured | Ended):
            self._note(message)

    def _note(self, message: Opened | Measured | Ended) -> None:
        """Write a message into the journals of its jobs, before anything else is done with it."""
        with self._lock:
            if self._lost:
                return
            if isinstance(message, Opened):
                if self._start.resume is None:
                    parent.begin(self._start.folder, message.plain, message.launch, keeps=True)
                self._pages[message.job] = Page(message, self._start.folder)
            elif isinstance(message, Ended):
                if message.result.job in self._pages:
                    self._pages[message.result.job].end(message)
            else:
                for job, metrics in message.metrics.items():
                    if job in self._pages:  # else the store would not take what came before
                        self._pages[job].measure(metrics, message.step, message.time)

    def close(self) -> None:
        """Write what is left, end what is open as KILLED, and tell that it is done."""
        with self._lock:
            for job, page in list(self._pages.items()):
                if page.ended is None and not page.begun and not page.has_metrics:
                    self._pages.pop(job).journal.remove()  # nobody has seen it begin
                elif page.ended is None:
                    page.end(killed(page.opened))
            if not self._pages:
                parent.forget(self._start.folder)
        self._closed_at = time.monotonic()
        self._closing.set()
        self._awake.set()
        self._thread.join()
        self._owner.release()
        if self._home is not None:
            self._home.release()
        self._tell(Closed())

    def _find(self, message: Find) -> None:
        try:
            store = self._connected()
            objective = self._start.plain["objective"]
            sweep = self._start.resume if message.in_sweep else None
            home = None if sweep is None else self._move_into(store, sweep)  # first: ends may wait there
            with told_as_tracking_error(store.uri), ThreadPoolExecutor(store.connections) as pool:
                runs = pool.map(
                    lambda value: find_finished(store.client, store.experiment_id, value, objective, sweep),
                    message.hashes,
                )
                found = {value: run for value, run in zip(message.hashes, runs, strict=True) if run}
            if sweep is None:
                self._tell(Found(found))
                return
            with told_as_tracking_error(store.uri):
                interrupted, failed = find_unfinished(store.client, store.experiment_id, sweep)
            there = {value: run for value, run in interrupted.items() if is_of_sweep(run.folder, sweep)}
            self._tell(Found(found, there, failed, home))
        except TrackingError as error:
            self._give_up(error)

    def _move_into(self, store: Store, sweep: str) -> Path | None:
        """The folder of an earlier sweep, its news sent and itself ours; None if it is not on this machine.

        Raises:
            TrackingError: if another process is at it.
        """
        with told_as_tracking_error(store.uri):
            home = Path(store.client.get_run(sweep).data.tags.get(FOLDER, ""))
            if not is_of_sweep(home, sweep):
                return None
            if home == self._start.folder:
                return home
            self._home = owner_lock(home)
            try:
                self._home.acquire(timeout=HOME_PATIENCE)
            except Timeout as error:
                raise TrackingError(f"sweep.resume: another process is at the sweep in {home}") from error
            for place in journals_in(home):
                if place != home:
                    send(Journal(place), store.uri)
        return home

    def _connected(self) -> Store:
        """The store, opened for the first who asks; a sweep that is continued has its parent run there."""
        with self._connecting:
            if self._store is None:
                plain = self._start.plain
                tracking = plain["tracking"]
                client = connect(tracking["uri"])
                if self._start.resume is None:
                    experiment_id = find_experiment(client, tracking["experiment"])
                else:  # the sweep's own experiment, which may have another name by now
                    owner = parent.owner_tags(keeps=True)
                    sweep = parent.reopen(self._start.folder, plain, self._start.resume, owner)
                    experiment_id = sweep.experiment_id
                self._store = Store(client, experiment_id)
            return self._store

    def _write_in_rounds(self) -> None:
        try:
            self._connected()  # before there is something to write: that takes a while
        except TrackingError as error:
            self._give_up(error)
        pause = INTERVAL
        while not (self._closing.is_set() and self._is_done()):
            self._awake.wait(pause)
            self._awake.clear()
            try:
                self._write_round()
            except Exception as error:
                self._give_up(error)
                raise
            pause = INTERVAL if self._failure is None else min(2 * pause, LONGEST)
        self._tell_unsent()

    def _is_done(self) -> bool:
        """Whether everything is written that can be."""
        with self._lock:
            if not self._pages:
                return True
        since = self._failing_since
        return since is not None and time.monotonic() - max(since, self._closed_at) > PATIENCE

    def _write_round(self) -> None:
        """Write what is due; of runs that go on only as much as is no burden."""
        started = time.monotonic()
        partly = started >= self._partly_again
        with self._lock:
            pages = list(self._pages.values())
        due = [page for page in pages if page.is_due or (partly and page.has_metrics)]
        if not due:
            return
        self._failure = None
        try:
            store = self._connected()
            parent.join(self._start.folder, due[0].opened.plain, due[0].opened.launch, keeps=True)
            with ThreadPoolExecutor(store.connections) as pool:
                list(pool.map(lambda page: self._try(page, store), due))
            self._beat(store)
        except (*STORE_ERRORS, TrackingError) as error:
            self._failure = error
        if self._failure is None:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = started
            log.warning("the store can't be told for now: %s", told(self._failure))
        for page in due:
            self._let_go(page)
        if partly:
            finished = time.monotonic()
            self._partly_again = finished + (finished - started) / SHARE

    def _try(self, page: Page, store: Store) -> None:
        """Write one job's news; what fails is still news in the next round."""
        if self._failure is not None:
            return  # a store that fails for one does so for all
        try:
            self._write(page, store)
            page.failing_since = None
        except (*STORE_ERRORS, TrackingError) as error:
            page.failing_since = page.failing_since or time.monotonic()
            if is_refused(error):
                self._spoil(page, error)
            else:
                self._failure = error

    def _let_go(self, page: Page) -> None:
        """Keep nobody waiting for a job that has ended while the store has been failing for long."""
        since = self._failing_since
        if page.ended is None or page.is_told or since is None or time.monotonic() - since < PATIENCE:
            return
        page.is_told = True
        add_result(self._start.folder, page.ended.result)
        self._tell(Written(page.ended.result))

    def _beat(self, store: Store) -> None:
        """Show now and then that somebody is here; the first time, see whether others have gone."""
        if self._beaten is None:
            end_vanished(store.client, store.experiment_id)
        if self._beaten is None or time.monotonic() - self._beaten > BEAT:
            run_id = parent.find(self._start.folder).run_id
            store.client.set_tag(run_id, HEARTBEAT, str(now()))
            self._beaten = time.monotonic()

    def _tell_unsent(self) -> None:
        """Say what has been left for later, and how to send it."""
        with self._lock:
            pages, self._pages = list(self._pages.values()), {}
        for page in pages:
            if page.ended is not None and not page.is_told:
                add_result(self._start.folder, page.ended.result)
                self._tell(Written(page.ended.result))
        if pages:
            why = told(self._failure) if self._failure is not None else "it is slow"
            place = how_to_send(self._start.folder, self._start.plain["tracking"]["uri"])
            print(
                f"{len(pages)} runs are not whole in the store ({why}); to send them: {place}",
                file=sys.stderr,
            )

    def _spoil(self, page: Page, error: Exception) -> None:
        """End a job as FAILED whose news the store will not take; they stay in its journal."""
        reason = str(error)
        if not isinstance(error, TrackingError):
            uri = page.opened.plain["tracking"]["uri"]
            reason = f"tracking.uri: '{masked_value(uri)}' did not take it: {one_line(told(error, uri))}"
        log.error("job %d: %s", page.opened.job, reason)
        run_id = None
        if page.run is not None:
            run_id = page.run.location.run_id
            with suppress(*STORE_ERRORS):  # which is the very trouble
                page.run.end("FAILED", reason)
        overrides = page.opened.overrides
        self._close_page(page, JobResult(page.opened.job, overrides, "FAILED", reason, run_id))

    def _close_page(self, page: Page, result: JobResult) -> None:
        add_result(self._start.folder, result)
        with self._lock:
            if self._pages.get(result.job) is page:
                del self._pages[result.job]
        if not page.is_told:
            self._tell(Written(result))

    def _give_up(self, error: Exception) -> None:
        """Say that the store is lost, before anything was written to it, and write no more."""
        with self._lock:
            for page in self._pages.values():
                page.journal.remove()
            parent.forget(self._start.folder)
            self._pages.clear()
            self._lost = True
        self._tell(Lost(masked(str(error))))

    def _write(self, page: Page, store: Store) -> None:
        with self._lock:
            if self._pages.get(page.opened.job) is not page:
                return  # the books have been closed, or given up, since the round began
            page.begun = True
        ended = page.ended  # asked before the journal is read
        run = page.send(store)
        if ended is not None:
            page.journal.remove()
            self._close_page(page, replace(ended.result, run_id=run.location.run_id))


def killed(opened: Opened) -> Ended:
    """The end of a job that was still going on when the sweep was stopped."""
    result = JobResult(opened.job, opened.overrides, "KILLED", "the sweep was stopped")
    return Ended(result, Failure("the sweep was stopped", ""), "", int(time.time() * 1000))
