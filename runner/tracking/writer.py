"""Metrics on their way to the store, in batches and off the training thread."""

import time
from collections.abc import Mapping
from threading import Event, Lock, Thread

from mlflow.entities import Metric

from runner.tracking.store import told_as_tracking_error
from runner.tracking.tracked_run import TrackedRun

INTERVAL = 1.0
"""Seconds between two writes: often enough for a live UI, seldom enough to cost nothing."""


class MetricWriter:
    """Takes metrics at once and writes those of a second together, in a thread of its own.

    A write that fails is raised where the training thread next comes by: in ``write`` or ``close``.
    """

    def __init__(self, run: TrackedRun) -> None:
        self._run = run
        self._pending: list[Metric] = []
        self._lock = Lock()
        self._closing = Event()
        self._failure: Exception | None = None
        self._thread = Thread(target=self._write_each_second, name="metrics", daemon=True)
        self._thread.start()

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        """Hand over one step's metrics.

        Raises:
            TrackingError: if an earlier write failed.
        """
        self._raise_failure()
        now = int(time.time() * 1000)
        with self._lock:
            self._pending += [Metric(name, value, now, step) for name, value in metrics.items()]

    def close(self) -> None:
        """Return when everything is written.

        Raises:
            TrackingError: if a write failed.
        """
        self._closing.set()
        self._thread.join()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            with told_as_tracking_error(self._run.location.uri):
                raise self._failure

    def _write_each_second(self) -> None:
        try:
            while not self._closing.wait(INTERVAL):
                self._flush()
            self._flush()
        except Exception as error:  # carried over to the training thread, which raises it
            self._failure = error

    def _flush(self) -> None:
        with self._lock:
            metrics, self._pending = self._pending, []
        self._run.log(metrics)
