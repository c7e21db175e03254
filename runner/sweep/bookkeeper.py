"""Keeps a sweep's books: tells MLflow, in batches and in its own time, what many runs report.

It works in a process of its own, ``runner.sweep.books``.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Lock, Thread

from mlflow.entities import Metric

from runner.compose import one_line
from runner.errors import TrackingError
from runner.sweep import parent
from runner.sweep.messages import (
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
from runner.sweep.page import Page, Store
from runner.sweep.record import JobResult, add_result
from runner.tracking.finished import find_finished
from runner.tracking.outcome import Failure
from runner.tracking.store import STORE_ERRORS, connect, find_experiment, is_refused, told_as_tracking_error

log = logging.getLogger(__name__)

INTERVAL = 0.5
"""Seconds between two rounds of writing."""

SHARE = 0.2
"""How much of its time may go into metrics of runs that go on, for the UI: many together cost less."""

PATIENCE = 60.0
"""Seconds in which a store that fails is tried again, so that a server may restart during a sweep."""


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
        with self._lock:
            if self._lost:
                return
            if isinstance(message, Opened):
                self._pages[message.job] = Page(message)
            elif isinstance(message, Ended):
                if message.result.job in self._pages:
                    self._pages[message.result.job].ended = message
            else:
                for job, metrics in message.metrics.items():
                    if job in self._pages:  # else the store would not take what came before
                        self._pages[job].pending += [
                            Metric(name, value, message.time, message.step) for name, value in metrics.items()
                        ]

    def close(self) -> None:
        """Write what is left, end what is open as KILLED, and tell that it is done."""
        with self._lock:
            for job, page in list(self._pages.items()):
                if page.ended is None and not page.begun and not page.pending:
                    del self._pages[job]  # nobody has seen it begin
                elif page.ended is None:
                    page.ended = killed(page.opened)
        self._closing.set()
        self._awake.set()
        self._thread.join()
        self._tell(Closed())

    def _find(self, message: Find) -> None:
        try:
            store = self._connected()
            objective = self._start.plain["objective"]
            sweep = self._start.resume if message.in_sweep else None
            with told_as_tracking_error(store.uri), ThreadPoolExecutor(store.connections) as pool:
                runs = pool.map(
                    lambda value: find_finished(store.client, store.experiment_id, value, objective, sweep),
                    message.hashes,
                )
                found = {value: run for value, run in zip(message.hashes, runs, strict=True) if run}
            self._tell(Found(found))
        except TrackingError as error:
            self._give_up(error)

    def _connected(self) -> Store:
        """The store, opened for the first who asks; a sweep that is continued has its parent run there."""
        with self._connecting:
            if self._store is None:
                plain = self._start.plain
                tracking = plain["tracking"]
                client = connect(tracking["uri"])
                store = Store(client, find_experiment(client, tracking["experiment"]))
                if self._start.resume is not None:
                    parent.reopen(self._start.folder, plain, self._start.resume)
                self._store = store
            return self._store

    def _write_in_rounds(self) -> None:
        failing_since: float | None = None
        try:
            self._connected()  # before there is something to write: that takes a while
        except TrackingError as error:
            self._give_up(error)
        while not (self._closing.is_set() and self._is_done()):
            self._awake.wait(INTERVAL)
            self._awake.clear()
            try:
                self._write_round()
                failing_since = None
            except TrackingError as error:
                failing_since = failing_since or time.monotonic()
                if time.monotonic() - failing_since > PATIENCE:
                    self._give_up(error)
            except Exception as error:
                self._give_up(error)
                raise

    def _is_done(self) -> bool:
        with self._lock:
            return not self._pages

    def _write_round(self) -> None:
        """Write what is due; of runs that go on only as much as is no burden."""
        started = time.monotonic()
        partly = started >= self._partly_again
        with self._lock:
            pages = list(self._pages.values())
        due = [page for page in pages if page.is_due or (partly and page.pending)]
        if not due:
            return
        opened = due[0].opened
        store = self._connected()
        parent_id = parent.join(self._start.folder, opened.plain, opened.launch)
        with ThreadPoolExecutor(store.connections) as pool:
            list(pool.map(lambda page: self._try(page, store, parent_id), due))
        if partly:
            now = time.monotonic()
            self._partly_again = now + (now - started) / SHARE

    def _try(self, page: Page, store: Store, parent_id: str) -> None:
        """Write one job's news; what fails is still news in the next round, for a while."""
        try:
            self._write(page, store, parent_id)
            page.failing_since = None
        except (*STORE_ERRORS, TrackingError) as error:
            now = time.monotonic()
            page.failing_since = page.failing_since or now
            if is_refused(error) or now - page.failing_since > PATIENCE:
                self._spoil(page, error)

    def _spoil(self, page: Page, error: Exception) -> None:
        """End a job as FAILED whose news the store will not take."""
        uri = page.opened.plain["tracking"]["uri"]
        told = isinstance(error, TrackingError)
        reason = str(error) if told else f"tracking.uri: '{uri}' did not take it: {one_line(error)}"
        log.error("job %d: %s", page.opened.job, reason)
        run_id = None
        if page.run is not None:
            run_id = page.run.location.run_id
            with suppress(*STORE_ERRORS):  # which is the very trouble
                page.run.end("FAILED", reason)
        overrides = page.opened.overrides
        self._close_page(JobResult(page.opened.job, overrides, "FAILED", reason, run_id))

    def _close_page(self, result: JobResult) -> None:
        add_result(self._start.folder, result)
        with self._lock:
            self._pages.pop(result.job, None)  # None: the store has been given up meanwhile
        self._tell(Written(result))

    def _give_up(self, error: Exception) -> None:
        """Say that the store is lost, and write no more."""
        with self._lock:
            self._pages.clear()
            self._lost = True
        self._tell(Lost(str(error)))

    def _write(self, page: Page, store: Store, parent_id: str) -> None:
        opened = page.opened
        with self._lock:
            if self._pages.get(opened.job) is not page:
                return  # the books have been closed, or given up, since the round began
            page.begun = True
        run = page.open_run(store, parent_id)
        with self._lock:
            pending, ended = list(page.pending), page.ended
        run.log(pending)
        with self._lock:
            del page.pending[: len(pending)]
        if ended is not None:
            self._close_page(page.end_run(run, ended))


def killed(opened: Opened) -> Ended:
    """The end of a job that was still going on when the sweep was stopped."""
    result = JobResult(opened.job, opened.overrides, "KILLED", "the sweep was stopped")
    return Ended(result, Failure("the sweep was stopped", ""), "", int(time.time() * 1000))
