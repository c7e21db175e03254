"""The MLflow run that a sweep's jobs are children of."""

import json
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from omegaconf import OmegaConf

from runner.compose import SWEEP_RECORD, typed_overrides
from runner.errors import TrackingError
from runner.launch import Launch
from runner.plain import Plain
from runner.signals import uninterrupted
from runner.sweep.callback import PARENT, RESULTS
from runner.sweep.record import JobResult
from runner.tracking.events import NAME_LENGTH, launch_tags
from runner.tracking.location import Location
from runner.tracking.outcome import Status
from runner.tracking.store import connect, find_experiment, told_as_tracking_error


def join(folder: Path, plain: Plain, launch: Launch, resumed: str | None = None) -> str:
    """The id of the parent run; the first job to come opens it, or that of an earlier sweep again.

    Args:
        folder: the sweep's.
        plain: the job's resolved config.
        launch: how the job was started.
        resumed: the earlier sweep, if the sweep continues one.

    Raises:
        TrackingError: if the store cannot be used, or has no such earlier sweep.
    """
    record = folder / PARENT
    with FileLock(folder / f".{PARENT}.lock"):
        if not record.exists() and resumed is not None:
            reopen(folder, plain, resumed)
        if record.exists():
            return find(folder).run_id
        uri = plain["tracking"]["uri"]
        client = connect(uri)
        experiment_id = find_experiment(client, plain["tracking"]["experiment"])
        with told_as_tracking_error(uri), uninterrupted():
            run = client.create_run(
                experiment_id, run_name=name(folder)[:NAME_LENGTH], tags=launch_tags(launch)
            )
            location = Location(uri, experiment_id, run.info.run_id)
            record.write_text(json.dumps(vars(location)))
            client.set_tag(location.run_id, "sweep_id", location.run_id)
            if (folder / SWEEP_RECORD).exists():  # at once: a sweep may be interrupted, and continued
                client.log_artifact(location.run_id, str(folder / SWEEP_RECORD))
        return location.run_id


def reopen(folder: Path, plain: Plain, sweep: str) -> None:
    """Make an earlier sweep's parent run that of the sweep in ``folder``.

    Raises:
        TrackingError: if the store cannot be used, or has no such run.
    """
    uri = plain["tracking"]["uri"]
    client = connect(uri)
    with told_as_tracking_error(uri):
        run = client.get_run(sweep)
        if run.data.tags.get("sweep_id") != sweep:
            raise TrackingError(
                f"sweep.resume: '{sweep}' is a run, but no sweep. Its parent run's id is wanted"
            )
        client.update_run(sweep, status="RUNNING")
        location = Location(uri, run.info.experiment_id, sweep)
        (folder / PARENT).write_text(json.dumps(vars(location)))


def find(folder: Path) -> Location:
    """Where the parent run of the sweep in ``folder`` is."""
    return Location(**json.loads((folder / PARENT).read_text()))


def name(folder: Path) -> str:
    """What the sweep is called: its command line's overrides, as typed, as far as they fit."""
    record = folder / SWEEP_RECORD
    overrides = typed_overrides(OmegaConf.load(record).hydra) if record.exists() else []
    return " ".join(["sweep", *overrides])[:NAME_LENGTH]


def end(folder: Path, status: Status, results: Sequence[JobResult]) -> None:
    """End the parent run, leaving the jobs' results and the sweep's config with it.

    Raises:
        TrackingError: if the store cannot be used.
    """
    location = find(folder)
    client = connect(location.uri)
    failed = [result for result in results if result.status == "FAILED"]
    with told_as_tracking_error(location.uri), uninterrupted():
        try:
            if (folder / RESULTS).exists():
                client.log_artifact(location.run_id, str(folder / RESULTS))
            if failed:
                client.set_tag(location.run_id, "failure", f"{len(failed)} of {len(results)} jobs failed")
        finally:
            client.set_terminated(location.run_id, status)
