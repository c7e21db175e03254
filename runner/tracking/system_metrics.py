"""What a run takes of the machine: processor, memory, disk, network and GPUs, now and then while it lasts."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Any

from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

from runner.config.schema import Choice, wanted
from runner.errors import TrackingError

log = logging.getLogger(__name__)

PREFIX = "system/"
"""How the names begin by which MLflow's page of system metrics knows them."""

FEW_SECONDS, INTERVAL = 5.0, 10.0
"""Seconds after which a run is worth a sample; from one to the next, if MLflow's own variable doesn't say."""


class SystemMetrics:
    """Takes samples in a thread of its own, with MLflow's own monitors.

    Those only read. What they find is told to ``tell``, as everything else is, not by a client of theirs: so
    an outage loses nothing of it.

    Args:
        choice: ``auto`` is from ``FEW_SECONDS`` on; true takes a sample of a shorter run as well, at its end.
        tell: takes metrics and their step.
        began: when the run began, in milliseconds since 1970: steps are whole seconds since then, so that a
            run that goes on has none twice.
    """

    def __init__(self, choice: Choice, tell: Callable[[Mapping[str, float], int], None], began: int) -> None:
        self._tell, self._began = tell, began
        self._is_patient = not wanted(choice, auto=False)
        self._over = Event()
        self._thread = Thread(target=self._sample, name="system metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take the last sample, of a run that has been worth one."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        interval = MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL.get() or INTERVAL  # type: ignore[no-untyped-call]
        monitors = monitors_here()
        for monitor in monitors:
            monitor.collect_metrics()  # of the processor nothing is known before its second time
            monitor.clear_metrics()
        is_over = self._over.wait(min(FEW_SECONDS, interval))
        if is_over and self._is_patient:
            return
        try:
            while True:
                self._tell(sample(monitors), int(time.time() - self._began / 1000))
                if is_over:
                    return
                is_over = self._over.wait(interval)
        except (TrackingError, OSError) as error:
            log.warning("system metrics could not be reported: %s", error)


def monitors_here() -> list[Any]:
    """MLflow's monitors of what this machine has."""
    kinds: list[Callable[[], Any]] = [CPUMonitor, DiskMonitor, NetworkMonitor]
    monitors = [kind() for kind in kinds]
    gpu: Callable[[], Any] = GPUMonitor
    try:
        monitors.append(gpu())
    except (ImportError, RuntimeError):  # RuntimeError: there is none
        log.debug("no GPU is watched")
    return monitors


def sample(monitors: list[Any]) -> dict[str, float]:
    """What all find now, by the names that MLflow gives it."""
    found: dict[str, float] = {}
    for monitor in monitors:
        monitor.collect_metrics()
        found |= {PREFIX + name: float(value) for name, value in monitor.aggregate_metrics().items()}
        monitor.clear_metrics()
    return found
