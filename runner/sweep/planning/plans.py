"""Plans for all jobs of a launch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from runner.sweep.datasets import Datasets
from runner.sweep.jobs import Job, groups
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.plan import Mode, Plan, make_plan


@dataclass(frozen=True)
class Planned:
    """Jobs that are trained in one way."""

    jobs: Sequence[Job]
    plan: Plan

    def __str__(self) -> str:
        names = f"{len(self.jobs)} jobs" if len(self.jobs) > 1 else f"job {self.jobs[0].number}"
        return f"{names}, about {self.plan.seconds:.3g} s of training: {self.plan.way} ({self.plan.reason})"


def make_plans(jobs: Sequence[Job], datasets: Datasets, mode: Mode, stop: Stop) -> list[Planned]:
    """Plan each group that can share a program; what is left over is one more, tried by its largest job.

    Args:
        jobs: whose data can be had.
        datasets: the data.
        mode: how the user wants them trained.
        stop: ends the trials.
    """
    found = groups(jobs)
    plans = [planned(group, group, datasets, mode, stop) for group in found if len(group) > 1]
    single = [job for group in found if len(group) == 1 for job in group]
    if single:
        largest = max(single, key=lambda job: job.parts.store.size)
        plans.append(planned(single, [largest], datasets, mode, stop))
    return plans


def planned(jobs: Sequence[Job], tried: Sequence[Job], datasets: Datasets, mode: Mode, stop: Stop) -> Planned:
    """A plan for jobs by trials of some of them."""
    data, cores = datasets.of(tried[0]), torch.get_num_threads()
    return Planned(jobs, make_plan(tried, len(jobs), data, cores, mode, stop))
