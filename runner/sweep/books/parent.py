"""The MLflow run that a sweep's jobs are children of."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from filelock import FileLock
from mlflow.entities import RunTag
from omegaconf import OmegaConf

from runner.config.compose import SWEEP_RECORD, typed_overrides
from runner.config.plain import Plain
from runner.errors import TrackingError
from runner.plugins.changed import TAG as PLUGINS
from runner.plugins.changed import tag_of
from runner.process.launch import Launch
from runner.process.masking import masked_words
from runner.process.signals import uninterrupted
from runner.sweep.callback import PARENT, RESULTS, STARTER
from runner.sweep.record import JobResult
from runner.tracking import events
from runner.tracking.events import FOLDER, HEARTBEAT, NAME_LENGTH, PROCESS, launch_tags, now
from runner.tracking.journal import EVENTS, Journal
from runner.tracking.location import Location
from runner.tracking.outcome import Failure, Status
from runner.tracking.persistence import persistently
from runner.tracking.process import this_process
from runner.tracking.repository import uncommitted
from runner.tracking.resend import resend
from runner.tracking.sender import Sender
from runner.tracking.store import connect, told_as_tracking_error

PATIENCE = 15.0
"""Seconds for which a store is asked again that answers, and does not take the sweep's end."""


def join(folder: Path, plain: Plain, launch: Launch, resumed: str | None = None, keeps: bool = False) -> str:
    """The id of the parent run; the first job to come opens it, or that of an earlier sweep again.

    Args:
        folder: the sweep's.
        plain: the job's resolved config.
        launch: how the job was started.
        resumed: the earlier sweep, if the sweep continues one.
        keeps: whether the sweep lives as long as this process, and ends with it.

    Raises:
        TrackingError: if the store cannot be used, or has no such earlier sweep.
    """
    record = folder / PARENT
    with FileLock(folder / f".{PARENT}.lock"):
        known = Location.found(record)
        if known is None and resumed is not None:
            known = reopen(folder, plain, resumed, owner_tags(keeps))
        if known is not None:
            return known.run_id
        begin(folder, plain, launch, keeps)
        journal = Journal(folder)
        leave_uncommitted(journal)
        with told_as_tracking_error(plain["tracking"]["uri"]), uninterrupted():
            Sender(journal, plain["tracking"]["uri"]).send()
        journal.remove()
    return find(folder).run_id


def begin(folder: Path, plain: Plain, launch: Launch, keeps: bool) -> None:
    """Write down that a sweep begins, before any of its jobs does: ``sync`` makes its parent if it is killed.

    The arguments are those of ``join``.
    """
    journal = Journal(folder)
    is_written = any(journal.lines()) and not journal.has_ended
    if is_written or Location.found(folder / PARENT) is not None:
        return
    tags = {**launch_tags(replace(launch, job=None)), FOLDER: str(folder)} | owner_tags(keeps)
    tags |= {PLUGINS: tag_of(plain["plugins"])} if plain["plugins"] else {}
    begun = events.beginning(name(folder), plain["tracking"], tags)
    journal.append(begun, events.heads_sweep(), events.left(folder, {}, [SWEEP_RECORD]))
    journal.close()


def forget(folder: Path) -> None:
    """Take back that a sweep begins, of which the store knows nothing."""
    if (folder / EVENTS).exists() and Location.found(folder / PARENT) is None:
        journal = Journal(folder)
        if journal.first["kind"] == "begun":  # else it is an earlier sweep's, in the same folder
            journal.remove()


def owner_tags(keeps: bool) -> dict[str, str]:
    """Who works on the sweep, by whom it is known later whether anybody does.

    Where that is not this process, it is the one that has started it, which gives no sign of life of its own.
    """
    process = str(this_process()) if keeps else os.environ.get(STARTER, "")
    return {PROCESS: process, HEARTBEAT: str(now()) if keeps else ""}


def leave_uncommitted(journal: Journal) -> None:
    """Leave with the parent run what has been changed since the last commit."""
    changes = uncommitted(Path.cwd())
    if changes is not None:
        journal.append(events.tagged(changes.tags), events.left(journal.folder, changes.files))


def reopen(folder: Path, plain: Plain, sweep: str, owner: Mapping[str, str]) -> Location:
    """Make an earlier sweep's parent run that of the sweep in ``folder``; where it is.

    Raises:
        TrackingError: if the store cannot be used, or has no such run.
    """
    uri = plain["tracking"]["uri"]
    client = connect(uri)
    with told_as_tracking_error(uri):
        run = client.get_run(sweep)
        home = Path(run.data.tags.get(FOLDER, ""))
        if home.is_absolute() and (home / EVENTS).exists():
            resend(home, uri)  # what it had to tell before; its end is none any more
            run = client.get_run(sweep)
        if run.data.tags.get("sweep_id") != sweep:
            raise TrackingError(
                f"sweep.resume: '{sweep}' is a run, but no sweep. Its parent run's id is wanted"
            )
        client.log_batch(sweep, tags=[RunTag(key, value) for key, value in owner.items()])
        if "failure" in run.data.tags:
            client.delete_tag(sweep, "failure")
        client.update_run(sweep, status="RUNNING")
        location = Location(uri, run.info.experiment_id, sweep)
        location.write(folder / PARENT)
    return location


def find(folder: Path) -> Location:
    """Where the parent run of the sweep in ``folder`` is."""
    return Location.read(folder / PARENT)


def name(folder: Path) -> str:
    """What the sweep is called: its command line's overrides, without secrets, as far as they fit."""
    record = folder / SWEEP_RECORD
    overrides = typed_overrides(OmegaConf.load(record).hydra) if record.exists() else []
    return masked_words(["sweep", *overrides])[:NAME_LENGTH]


def journal_of(folder: Path) -> Journal:
    """What is to be told of the parent run at the sweep's end, as ``end`` or ``runner sync`` sends it."""
    journal = Journal(folder)
    if journal.is_new:
        journal.append(events.continued(find(folder)))
    return journal


def end(folder: Path, status: Status, results: Sequence[JobResult]) -> None:
    """End the parent run, leaving the jobs' results and the sweep's config with it.

    Raises:
        TrackingError: if the store cannot be used; what was to be told it stays in the journal.
    """
    failed = [result for result in results if result.status == "FAILED"]
    failure = Failure(f"{len(failed)} of {len(results)} jobs failed", "") if failed else None
    (ended,) = events.ended(folder, status, failure, leaves_trace=False)
    journal = journal_of(folder)
    journal.append(events.left(folder, {}, [RESULTS]), ended)
    uri = find(folder).uri
    with told_as_tracking_error(uri), uninterrupted():
        persistently(Sender(journal, uri).send, journal, PATIENCE)
    journal.remove()
