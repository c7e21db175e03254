"""Runs that nobody works on any more, their process having been killed before it could end them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from runner.sweep.books import parent
from runner.tracking.outcome import Status
from runner.tracking.store import connect, told_as_tracking_error

REASONS: dict[Status, str] = {"KILLED": "the sweep was stopped", "FAILED": "its process was lost"}

PATIENCE = 0.5
"""Seconds that a process which has just been killed may take to vanish."""


@contextmanager
def at_work(folder: Path, job: int) -> Iterator[None]:
    """The context in which a process works on a job; whatever ends the process ends that too."""
    with lock_of(folder, job):
        yield


def is_at_work(folder: Path, job: int) -> bool:
    """Whether a process, on any host that shares the sweep's folder, works on a job."""
    try:
        with lock_of(folder, job).acquire(timeout=PATIENCE):
            return False
    except Timeout:
        return True


def lock_of(folder: Path, job: int) -> FileLock:
    """What is held by the one who works on a job."""
    return FileLock(folder / f".job-{job}.lock")


def end_lost(folder: Path, status: Status) -> list[str]:
    """End the runs of a sweep that were left RUNNING; says which, in a line each.

    Args:
        folder: the sweep's.
        status: how they end.

    Raises:
        TrackingError: if the store cannot be used.
    """
    location = parent.find(folder)
    client = connect(location.uri)
    running = f"attributes.status = 'RUNNING' and tags.sweep_id = '{location.run_id}'"
    told = []
    with told_as_tracking_error(location.uri):
        for run in client.search_runs([location.experiment_id], running):
            job = run.data.tags.get("job")
            if job is None:
                continue  # the sweep's own
            if is_at_work(folder, int(job)):  # submitted, and not bound to who submitted it
                told.append(f"job {job} ({run.info.run_name}) goes on: run {run.info.run_id}")
                continue
            client.set_tag(run.info.run_id, "failure", REASONS[status])
            client.set_terminated(run.info.run_id, status)
            told.append(f"job {job} ({run.info.run_name}): {REASONS[status]}: run {run.info.run_id}")
    return told
