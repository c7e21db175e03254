"""Runs of earlier sweeps count for a job only where both have the same data."""

from collections.abc import Callable

from runner.data.dataset import Dataset
from runner.errors import ConfigError
from runner.sweep.datasets import OBSTACLES
from runner.tracking.finished import FinishedRun, InterruptedRun
from runner.tracking.used_data import have_changed

Loader = Callable[[], Dataset]
"""Loads the data of a job, if they are not there yet."""


def has_changed(run: FinishedRun | InterruptedRun, load: Loader) -> bool:
    """Whether a job's data are others now than those of its run; not if they can't be had at all."""
    if run.data is None:
        return False
    try:
        return load().digest != run.data.digest
    except OBSTACLES:  # which the job itself reports, if it is to be trained
        return False


def refuse_changed(run: FinishedRun | InterruptedRun, load: Loader) -> None:
    """Refuse to continue a sweep with other data than it was begun with.

    Raises:
        ConfigError: if the data have changed.
    """
    if has_changed(run, load):
        assert run.data is not None
        digests = run.data.digest, load().digest
        raise ConfigError([have_changed(run.data.name, f"run '{run.run_id}'", digests, "sweep")])
