"""A sweep's books as those who train see them: everything is said at once and written elsewhere."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from threading import Condition, Lock, Thread

from runner.errors import TrackingError
from runner.process.signals import uninterrupted
from runner.sweep.books.messages import (
    Close,
    Closed,
    Conclude,
    Find,
    Found,
    FromBooks,
    Hurry,
    Lost,
    Start,
    ToBooks,
    Written,
)
from runner.sweep.record import JobResult
from runner.sweep.report.report import Report
from runner.tracking.outcome import Status

PATIENCE = 10.0
"""Seconds that its process may take to end."""


class Ledger:
    """The other end of a bookkeeper's process, which starts with it.

    Any thread may call any method once it is open. When the store is lost all that tell or ask raise a
    TrackingError. What ``written`` raises, the next of them does: standard output may have lost its reader.
    """

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "runner.sweep.books.process", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the one who trains
        )
        theirs.close()
        self._sending = Lock()
        self._news = Condition()
        self._results: dict[int, JobResult] = {}
        self._found: Found | None = None
        self._lost: str | None = None
        self._raised: BaseException | None = None
        self._closed = self._told_to_close = False
        self._reader: Thread | None = None

    def open(self, start: Start, written: Callable[[JobResult], None]) -> None:
        """Begin a sweep.

        Args:
            start: the sweep.
            written: called with each job's result when it is in the store.
        """
        self._written = written
        self._reader = Thread(target=self._read, name="news of the books", daemon=True)
        self._reader.start()
        self.tell(start)

    def tell(self, message: ToBooks) -> None:
        """Say something; it is written within a second or so."""
        self._raise_if_over()
        try:
            with uninterrupted(), self._sending:  # half a message would spoil all that follow
                self._connection.send(message)
        except OSError as error:
            raise TrackingError("the process that writes to the store has gone") from error

    def find(self, hashes: Sequence[str], in_sweep: bool) -> Found:
        """What runs some configs have already; this waits for the store."""
        self._found = None
        self.tell(Find(hashes, in_sweep))
        with self._news:
            self._news.wait_for(lambda: self._found is not None or self._is_over)
        self._raise_if_over()
        if self._found is None:
            raise TrackingError("the process that writes to the store has gone")
        return self._found

    def results(self, jobs: Collection[int]) -> list[JobResult]:
        """What some jobs came to, when all of them are in the store; each end is told once."""
        self.tell(Hurry())
        with self._news:
            self._news.wait_for(lambda: self._is_over or all(job in self._results for job in jobs))
        self._raise_if_over()
        return [self._results.pop(job) for job in jobs]

    def close(self) -> None:
        """Return when everything is in the store; what is open is KILLED."""
        if self._reader is None:  # nothing has been said
            self._process.kill()
            self._process.wait()
            return
        with uninterrupted():
            if not self._told_to_close:
                self._told_to_close = True
                with suppress(OSError), self._sending:  # OSError: it has gone already
                    self._connection.send(Close())
        self._reader.join()

    def conclude(self, status: Status, results: Sequence[JobResult]) -> Report | None:
        """Have the sweep's report written, when everything is closed; None if there is nobody to do it."""
        if self._reader is None:
            return None
        self.close()  # which may have been interrupted
        report: Report | None = None
        with suppress(EOFError, OSError):
            self._connection.send(Conclude(status, results))
            report = self._connection.recv()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()  # it has said all that it had to say
            self._process.wait()
        return report

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be written any more."""
        return self._lost is not None

    @property
    def _is_over(self) -> bool:
        return self._lost is not None or self._raised is not None or self._closed

    def _raise_if_over(self) -> None:
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised
        if self._lost is not None:
            raise TrackingError(self._lost)

    def _read(self) -> None:
        while not self._closed:
            try:
                message: FromBooks = self._connection.recv()
            except (EOFError, OSError):
                message = Lost("the process that writes to the store has gone")
                self._closed = True
            with self._news:
                if isinstance(message, Written):
                    self._results[message.result.job] = message.result
                elif isinstance(message, Found):
                    self._found = message
                elif isinstance(message, Lost):
                    self._lost = self._lost or message.reason
                elif isinstance(message, Closed):
                    self._closed = True
                self._news.notify_all()
            if isinstance(message, Written):
                self._pass_on(message.result)

    def _pass_on(self, result: JobResult) -> None:
        try:
            self._written(result)
        except BaseException as error:  # raised by who asks next: this thread is needed to the end
            with self._news:
                self._raised = error
                self._news.notify_all()


def now() -> int:
    """Milliseconds since 1970, as MLflow counts."""
    return int(time.time() * 1000)
