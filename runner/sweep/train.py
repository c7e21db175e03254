"""Training jobs in this process, each group in the way that was found to be fastest."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import torch

from runner.checkpoints.keeper import Keeper
from runner.sweep.blocks import train_block
from runner.sweep.datasets import OBSTACLES, Datasets
from runner.sweep.jobs import Job
from runner.sweep.kept_blocks import Block, hashes_of
from runner.sweep.planning.lanes import Stop, run_in_lanes
from runner.sweep.planning.plan import Mode
from runner.sweep.planning.plans import Planned, make_plans
from runner.sweep.progress import Progress

log = logging.getLogger(__name__)


def plan(
    jobs: Sequence[Job], datasets: Datasets, mode: Mode, progress: Progress, stop: Stop
) -> list[Planned]:
    """Plans for the jobs whose data can be had; the others have failed.

    Args:
        jobs: the jobs.
        datasets: their data, as far as it has been read.
        mode: how the user wants them trained.
        progress: told of failures.
        stop: ends it.
    """
    ready, unreadable = datasets.split(jobs)
    for job, error in unreadable:
        if not stop.is_wished:
            progress.fail(job, error)
    plans = [] if stop.is_wished else make_plans(ready, datasets, mode, stop)
    for planned in plans:
        log.info("%s", planned)
    return plans


def carry_out(blocks: Sequence[Block], datasets: Datasets, progress: Progress, stop: Stop) -> None:
    """Train jobs to their ends, lanes of the same kind together, or until ``stop`` is wished for."""
    tasks: defaultdict[tuple[int, int], list[Callable[[], None]]] = defaultdict(list)
    for block in blocks:
        try:
            data = datasets.of(block.jobs[0])
        except OBSTACLES as error:
            for job in block.jobs:
                progress.fail(job, error)
            continue
        progress.silence(block.silent)
        every = block.jobs[0].config.train.checkpoint_interval
        keeper = Keeper(block.folder, every, {"jobs": hashes_of(block.jobs)})
        task = partial(train_block, block.jobs, data, progress, stop, keeper, block.snapshot)
        tasks[block.lanes, block.threads].append(task)
    threads_before = torch.get_num_threads()
    try:
        for (lanes, threads), some in tasks.items():
            run_in_lanes(some, lanes, threads, stop)
    finally:
        torch.set_num_threads(threads_before)  # which threads started from now on will have
    for block in blocks:  # their ends have been told
        shutil.rmtree(block.folder, ignore_errors=True)
        with suppress(OSError):  # there are others in it, or it was never made
            block.folder.parent.rmdir()
