"""Checkpoints as files: each whole or not there, each bit of it accounted for, none able to run code.

A checkpoint is two files. ``epoch-0000012-<run>.safetensors`` has the tensors. ``epoch-0000012-<run>.json``
has the rest and the SHA-256 digests of both; it is written last, so a checkpoint is there when this file is.
``<run>`` is the end of the run's id: several may have used a folder.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from runner.config.plain import Plain
from runner.errors import CheckpointError
from runner.process.atomic import private
from runner.training.snapshot import Snapshot

log = logging.getLogger(__name__)

FORMAT = 1
CHECKPOINTS = "checkpoints"
"""The folder of a run's checkpoints, in the run's own."""

RUN = "run_id"
"""What says in a checkpoint's ``about`` whose it is; a sweep's blocks have folders of their own."""

SPARE = 1_000_000
"""Bytes that a checkpoint leaves free: log, journal and often the store are on the same disk."""

TENSORS, REST = ".safetensors", ".json"


@dataclass(frozen=True)
class Checkpoint:
    """A state to go on from, and what it belongs to.

    Attributes:
        snapshot: the state.
        about: whose it is: as it was given to ``write``.
        path: the file that says so.
    """

    snapshot: Snapshot
    about: Plain
    path: Path


def write(folder: Path, snapshot: Snapshot, about: Mapping[str, Any]) -> Path:
    """Write a checkpoint: on the disk when this returns, or not there at all.

    Raises:
        OSError: if it can't be written; what was there before is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = safetensors.torch.save(
        {name: tensor.detach().to("cpu").contiguous() for name, tensor in snapshot.tensors.items()}
    )
    if shutil.disk_usage(folder).free < len(tensors) + SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    content = {
        "format": FORMAT,
        "epoch": snapshot.epoch,
        "about": about,
        "values": snapshot.values,
        "tensors": digest(tensors),
    }
    path = folder / f"{name_of(snapshot.epoch, about)}{REST}"
    replace(path.with_suffix(TENSORS), tensors)
    replace(path, sealed(content))
    return path


def name_of(epoch: int, about: Mapping[str, Any]) -> str:
    """What a checkpoint's files are called, without their endings."""
    return f"epoch-{epoch:07d}{whose(about)}"


def whose(about: Mapping[str, Any]) -> str:
    """The end of the names of a run's checkpoints."""
    return f"-{about[RUN][-8:]}" if RUN in about else ""


def read(path: Path) -> Checkpoint:
    """Read a checkpoint by the path of its JSON file.

    Raises:
        CheckpointError: if a bit of it is not what was written.
    """
    try:
        text = path.read_bytes()
        content = json.loads(text)["content"]
        if content["format"] != FORMAT or text != sealed(content):
            raise ValueError("its SHA-256 differs")
        epoch, values, about = content["epoch"], content["values"], content["about"]
        if not (isinstance(epoch, int) and isinstance(values, dict) and isinstance(about, dict)):
            raise ValueError("an epoch, values and what it belongs to should be in it")
        data = path.with_suffix(TENSORS).read_bytes()
        if digest(data) != content["tensors"]:
            raise ValueError("the SHA-256 of its tensors differs")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: is damaged, it is not what was written: {error}") from error
    try:
        tensors: dict[str, torch.Tensor] = safetensors.torch.load(data)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: its tensors are no safetensors: {error}") from error
    return Checkpoint(Snapshot(epoch, tensors, values), about, path)


def checkpoints_in(folder: Path, about: Mapping[str, Any] | None = None) -> list[Path]:
    """The JSON files of a folder's checkpoints, the newest first; ``about`` says of which run alone."""
    own = "*" if about is None else "[0-9]" * 7 + whose(about)
    return sorted(folder.glob(f"epoch-{own}{REST}"), reverse=True)


def newest(folder: Path, run_id: str | None = None) -> Checkpoint | None:
    """The newest checkpoint of a folder that is whole; None if there are none.

    Args:
        folder: where they are.
        run_id: of the run whose checkpoints are preferred: another may have used the folder before.

    Raises:
        CheckpointError: if there are some, and all are damaged, or all of the run's.
    """
    own = None if run_id is None else whose({RUN: run_id})
    problem: CheckpointError | None = None
    foreign: Checkpoint | None = None
    has_own = False
    for path in checkpoints_in(folder):
        try:
            found = read(path)
        except CheckpointError as error:
            log.warning("%s; the one before is tried", error)
            problem = problem or error
            has_own = has_own or (own is not None and path.stem.endswith(own))
            continue
        if run_id is None or found.about.get(RUN) == run_id:
            return found
        foreign = foreign or found
    if problem is not None and (has_own or foreign is None):
        raise problem
    return foreign


def remove(path: Path) -> None:
    """Remove a checkpoint by the path of its JSON file; first what says that it is there."""
    path.unlink(missing_ok=True)
    path.with_suffix(TENSORS).unlink(missing_ok=True)


def leftovers(folder: Path) -> Iterator[Path]:
    """Files of checkpoints that were never finished, or whose removal was not."""
    yield from folder.glob("*.unfinished")
    for path in folder.glob(f"epoch-*{TENSORS}"):
        if not path.with_suffix(REST).exists():
            yield path


def replace(path: Path, data: bytes) -> None:
    """Put a file in its place at once, when all of it is on the disk."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with open(unfinished, "wb", opener=private) as file:  # a config may hold secrets
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sealed(content: object) -> bytes:
    """Content as JSON with its own digest, always in the same words: any other text is damage."""
    text = json.dumps(content, separators=(",", ":"))
    return f'{{"sha256":"{digest(text.encode())}","content":{text}}}\n'.encode()


def digest(data: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(data).hexdigest()
