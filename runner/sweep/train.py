"""Training jobs in this process, each group in the way that was found to be fastest."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import torch

from runner.sweep.blocks import train_block
from runner.sweep.datasets import Datasets
from runner.sweep.jobs import Job
from runner.sweep.lanes import Stop, run_in_lanes
from runner.sweep.plan import Mode
from runner.sweep.plans import Planned, make_plans
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


def carry_out(plans: Sequence[Planned], datasets: Datasets, progress: Progress, stop: Stop) -> None:
    """Train jobs to their ends, lanes of the same kind together, or until ``stop`` is wished for."""
    tasks: defaultdict[tuple[int, int], list[Callable[[], None]]] = defaultdict(list)
    for planned in plans:
        way = planned.plan.way
        for block in way.blocks(planned.jobs):
            data = datasets.of(block[0])
            tasks[way.lanes, way.threads].append(partial(train_block, block, data, progress, stop))
    threads_before = torch.get_num_threads()
    try:
        for (lanes, threads), some in tasks.items():
            run_in_lanes(some, lanes, threads, stop)
    finally:
        torch.set_num_threads(threads_before)  # which threads started from now on will have
