"""What is kept of a sweep's blocks, so that a sweep that was killed goes on to the same bits.

Models that train as one round otherwise than alone or in other company. So it is written down which jobs
train together and how, and each block keeps checkpoints of its own. It goes on from its last one, or begins
anew in the same company; members that have a result already then train along without a word.
"""

import json
import logging
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from runner.checkpoints.file import CHECKPOINTS, newest, replace
from runner.errors import CheckpointError
from runner.process.machine import MOST_THREADS
from runner.sweep.jobs import Job
from runner.sweep.planning.plans import Planned
from runner.training.snapshot import Snapshot

log = logging.getLogger(__name__)

BLOCKS = "blocks.json"


@dataclass(frozen=True)
class Block:
    """Jobs that train together.

    Attributes:
        jobs: which, in the order of the stack.
        lanes: how many blocks train side by side.
        threads: how many of torch's threads each has.
        folder: where its checkpoints go.
        snapshot: what it goes on from; None: from first values.
        silent: numbers of jobs that only train along.
    """

    jobs: Sequence[Job]
    lanes: int
    threads: int
    folder: Path
    snapshot: Snapshot | None = None
    silent: frozenset[int] = frozenset()


def blocks_of(plans: Sequence[Planned], home: Path) -> list[Block]:
    """The blocks that plans come to.

    Args:
        plans: for all jobs.
        home: the folder of the sweep, the first one's if it has been continued.
    """
    return [
        Block(jobs, planned.plan.way.lanes, planned.plan.way.threads, home / CHECKPOINTS / name_of(jobs))
        for planned in plans
        for jobs in planned.plan.way.blocks(planned.jobs)
    ]


def note(home: Path, blocks: Sequence[Block]) -> None:
    """Write down which jobs train together, beside what is written there already."""
    told = {each["name"]: each for each in noted(home)}
    for block in blocks:
        hashes = told.get(block.folder.name, {}).get("jobs", hashes_of(block.jobs))
        told[block.folder.name] = {
            "name": block.folder.name,
            "jobs": hashes,
            "lanes": block.lanes,
            "threads": block.threads,
        }
    replace(home / BLOCKS, json.dumps(list(told.values())).encode())


def noted(home: Path) -> list[dict[str, Any]]:
    """What has been written down; nothing if it is unreadable, which costs time and no result."""
    try:
        found: list[dict[str, Any]] = json.loads((home / BLOCKS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s cannot be read, its jobs begin anew: %s", home / BLOCKS, error)
        return []
    if not isinstance(found, list) or not all(map(is_block, found)):
        log.warning("%s is not what was written, its jobs begin anew", home / BLOCKS)
        return []
    return found


def is_block(told: object) -> bool:
    """Whether a block can have been noted so: a folder's name, jobs, and numbers that a machine can have."""
    if not isinstance(told, dict):
        return False
    name, jobs, lanes, threads = (told.get(key) for key in ("name", "jobs", "lanes", "threads"))
    return (
        isinstance(name, str)
        and re.fullmatch("[0-9a-f]{16}", name) is not None
        and isinstance(jobs, list)
        and all(isinstance(each, str) for each in jobs)
        and all(isinstance(each, int) and 1 <= each <= MOST_THREADS for each in (lanes, threads))
    )


def going_on(home: Path, jobs: Sequence[Job], interrupted: Collection[int]) -> Iterator[Block]:
    """The blocks of an earlier sweep in which jobs were interrupted.

    Args:
        home: that sweep's folder.
        jobs: all jobs of the sweep that continues it.
        interrupted: the numbers of those that had not ended.
    """
    of_hash = {job.config.hash: job for job in jobs}
    if len(of_hash) < len(jobs):
        return  # two of the same config cannot be told apart
    for told in noted(home):
        wanted = {
            value for value in told["jobs"] if value in of_hash and of_hash[value].number in interrupted
        }
        if not wanted:
            continue
        folder = home / CHECKPOINTS / told["name"]
        snapshot, members = kept_in(folder, wanted) or (None, told["jobs"])
        if all(value in of_hash for value in members):
            own = [of_hash[value] for value in members]
            silent = frozenset(job.number for job in own if job.number not in interrupted)
            yield Block(own, told["lanes"], told["threads"], folder, snapshot, silent)


def kept_in(folder: Path, wanted: Collection[str]) -> tuple[Snapshot, list[str]] | None:
    """A block's last state with its members' hashes, if all of those wanted are among them."""
    try:
        checkpoint = newest(folder)
    except CheckpointError as error:
        log.warning("%s; the block begins anew", error)
        return None
    jobs = None if checkpoint is None else checkpoint.about.get("jobs")
    if checkpoint is None or not isinstance(jobs, list) or not set(wanted) <= set(map(str, jobs)):
        return None
    return checkpoint.snapshot, [str(each) for each in jobs]


def hashes_of(jobs: Sequence[Job]) -> list[str]:
    """What jobs are known by, in this sweep and in one that continues it."""
    return [job.config.hash for job in jobs]


def name_of(jobs: Sequence[Job]) -> str:
    """A block's name: that of its jobs together."""
    return sha256(" ".join(hashes_of(jobs)).encode()).hexdigest()[:16]
