"""A packed run in another store: a run like its own, though it was trained elsewhere."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from runner.checkpoints.file import CHECKPOINTS, newest
from runner.checkpoints.file import write as write_checkpoint
from runner.config.unfolding import refuse_unfolding
from runner.errors import CheckpointError, ConfigError, TrackingError
from runner.handover import archive
from runner.handover.contents import ARTIFACTS, CHECKPOINT, MODEL, PLUGINS, RUN, Packed, read
from runner.process.machine import THREADS
from runner.tracking import events
from runner.tracking.events import FOLDER, HEARTBEAT, HOST, MODEL_FOLDER, PROCESS, TOKEN
from runner.tracking.journal import EVENTS, SENT, Event, Journal, owner_lock
from runner.tracking.location import PARENT, Location, how_to_send
from runner.tracking.note import NOTE, RUN_ID
from runner.tracking.persistence import persistently
from runner.tracking.process import hostname
from runner.tracking.saved_model import files_in
from runner.tracking.sender import Sender
from runner.tracking.store import connect, told_as_tracking_error
from runner.trained.description import read as described

PACK, ORIGIN, ORIGIN_SWEEP = "runner.pack", "unpacked_from", "unpacked_from_sweep"
"""Tags of a run that was unpacked: the archive's digest, the run's id in the store that it was packed from,
and that of the sweep that it was a job of there."""

OF_THE_STORE = (
    *(TOKEN, FOLDER, HOST, PROCESS, HEARTBEAT, NOTE, PACK, ORIGIN, ORIGIN_SWEEP),
    *("sweep_id", "job", "failure", "mlflow.parentRunId", "mlflow.runName", "mlflow.log-model.history"),
)
"""Tags that are about the store and the machine that a run was in."""

SWEEP_TAG, FAILURE_TAG = "sweep_id", "failure"

OWN = (EVENTS, SENT, CHECKPOINTS, CHECKPOINT, PLUGINS, PARENT)
"""Names in a run's folder that no artifact may have."""

PATIENCE = 15.0
"""Seconds for which a store is asked again that answers, and takes nothing."""


@dataclass(frozen=True)
class Unpacked:
    """What has become of an archive.

    Attributes:
        run_id: the run in this store.
        packed: the run as it was packed.
        is_new: whether it was not in the store before.
        folder: the run's, if it is new.
    """

    run_id: str
    packed: Packed
    is_new: bool
    folder: Path


def unpack(source: Path, folder: Path, uri: str, experiment: str | None) -> Unpacked:
    """Make a run of an archive, unless the store has it.

    Args:
        source: the archive.
        folder: the run's new folder, which is made.
        uri: of the store.
        experiment: the name of the experiment; that of the run where it was packed if left out.

    Raises:
        ConfigError: if the archive is none, or anything in it is not what it should be.
        TrackingError: if the store can't be used.
    """
    with beside(folder) as place:
        digest = archive.extract(source, place)
        packed = checked(place, str(source))
        client = connect(uri)
        if (known := known_as(client, packed, digest)) is not None:
            return Unpacked(known, packed, is_new=False, folder=folder)
        arrange(place)
        place.rename(folder)
    location = send(packed, folder, uri, experiment or packed.experiment, digest)
    return Unpacked(location.run_id, packed, is_new=True, folder=folder)


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same disk as another that is to be; gone at the end unless it was renamed.

    Raises:
        ConfigError: if the other is there, with something in it, or can't be made.
    """
    made = [each for each in folder.absolute().parents if not each.exists()]
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise ConfigError([f"folder: '{folder}' is there already, and not empty"])
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        place = folder.absolute().with_name(f".unpacking-{token_hex(4)}")
        place.mkdir()
    except OSError as error:
        raise ConfigError([f"folder: '{folder}' can't be made: {error.strerror}"]) from error
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        for each in made:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()


def checked(place: Path, whose: str) -> Packed:
    """What an archive describes, its files looked through.

    Raises:
        ConfigError: if something is not what a run has.
    """
    packed = read(place, whose)
    top = {name.split("/")[0] for name in files_in(place)}
    if strays := top - {RUN, ARTIFACTS, MODEL, CHECKPOINT, PLUGINS}:
        raise ConfigError([f"{whose}: {min(strays)!r} is no part of a run"])
    if (packed.model is not None) != (place / MODEL).is_dir():
        raise ConfigError([f"{whose}: its model is described or in it, not both"])
    if packed.model is not None:
        described(place / MODEL)
    for name in files_in(place / ARTIFACTS):
        if name.startswith(".") or name.split("/")[0] in OWN:
            raise ConfigError([f"{whose}: no artifact is called {name!r}"])
        if name.endswith((".yaml", ".yml")):
            refuse_unfolding(place / ARTIFACTS / name, f"{whose}: {name}")
    if not re.fullmatch(r"[1-9][0-9]{0,4}", packed.tags.get(THREADS, "1")):
        raise ConfigError([f"{whose}: run.json: tags.{THREADS}: {packed.tags[THREADS]!r} is no number"])
    check_checkpoint(place, packed, whose)
    return packed


def check_checkpoint(place: Path, packed: Packed, whose: str) -> None:
    """Refuse a checkpoint that is damaged, or another run's."""
    if not (place / CHECKPOINT).exists():
        return
    try:
        checkpoint = newest(place / CHECKPOINT, packed.run_id)
    except CheckpointError as error:
        raise ConfigError([f"{whose}: {error}"]) from error
    if checkpoint is None or checkpoint.about.get("run_id") != packed.run_id:
        raise ConfigError([f"{whose}: its checkpoint is another run's"])


def known_as(client: MlflowClient, packed: Packed, digest: str) -> str | None:
    """The run that the store has already: of the same archive, or the very run that was packed."""
    with told_as_tracking_error(str(client.tracking_uri)):
        experiments = [each.experiment_id for each in client.search_experiments()]
        found = client.search_runs(experiments, f"tags.`{PACK}` = '{digest}'", max_results=1)
        if found:
            return str(found[0].info.run_id)
        try:
            origin = client.get_run(packed.run_id)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            return None
    return packed.run_id if origin.info.lifecycle_stage == "active" else None


def arrange(place: Path) -> None:
    """Have the files of an archive lie as they do in a run's folder."""
    (place / RUN).unlink()
    if (place / MODEL).is_dir():
        (place / MODEL).rename(place / MODEL_FOLDER)
    if (place / ARTIFACTS).is_dir():
        (place / ARTIFACTS).rename(place / ".artifacts")
        for each in (place / ".artifacts").iterdir():
            each.rename(place / each.name)
        (place / ".artifacts").rmdir()


def send(packed: Packed, folder: Path, uri: str, experiment: str, digest: str) -> Location:
    """Tell the store of the run, by a journal like every run's, which ``sync`` sends if this is cut short.

    Raises:
        TrackingError: if the store can't be used.
    """
    with owner_lock(folder):
        journal = Journal(folder)
        journal.append(*journal_of(packed, folder, uri, experiment, digest))
        sender = Sender(journal, uri)
        try:
            with told_as_tracking_error(uri):
                persistently(sender.send, journal, PATIENCE)
        except TrackingError as error:
            if sender.run is None:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            raise TrackingError(f"{error}. What is missing is sent by {how_to_send(folder, uri)}") from error
        location = sender.known.location
        journal.remove()
        take_over_checkpoint(packed, folder, location.run_id)
    return location


def journal_of(packed: Packed, folder: Path, uri: str, experiment: str, digest: str) -> list[Event]:
    """What a run with these results would have reported."""
    artifacts = [
        name for name in files_in(folder) if not name.startswith(".") and name.split("/")[0] not in OWN
    ]
    tags = {
        **{key: value for key, value in packed.tags.items() if key not in OF_THE_STORE},
        **{PACK: digest, ORIGIN: packed.run_id, FOLDER: str(folder.absolute()), HOST: hostname()},
    }
    if SWEEP_TAG in packed.tags:
        tags[ORIGIN_SWEEP] = packed.tags[SWEEP_TAG]
    told = [
        events.beginning(packed.name, {"uri": uri, "experiment": experiment}, tags, packed.started),
        {"kind": "params", "values": packed.params},
    ]
    if NOTE in packed.tags:
        told.append(events.noted(packed.tags[NOTE].replace(packed.run_id, RUN_ID)))
    if packed.data is not None:
        told.append({"kind": "data", "data": packed.data.model_dump()})
    told += [
        {"kind": "metrics", "values": {name: row.value}, "step": row.step, "time": row.time}
        for name, rows in packed.metrics.items()
        for row in rows
    ]
    told.append(events.left(folder, {}, artifacts))
    if packed.model is not None:
        told.append(events.kept(folder, packed.model.saved_in(folder / MODEL_FOLDER)))
    failure = packed.tags.get(FAILURE_TAG)
    told.append({"kind": "ended", "status": packed.status, "failure": failure, "time": packed.ended})
    return told


def take_over_checkpoint(packed: Packed, folder: Path, run_id: str) -> None:
    """Have the checkpoint belong to the run in this store."""
    checkpoint = newest(folder / CHECKPOINT, packed.run_id)
    if checkpoint is not None:
        write_checkpoint(folder / CHECKPOINTS, checkpoint.snapshot, {**checkpoint.about, "run_id": run_id})
        shutil.rmtree(folder / CHECKPOINT)
