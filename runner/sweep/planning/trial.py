"""What a way of training costs, measured on a few batches."""

import itertools
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, partial
from math import ceil
from statistics import mean
from time import perf_counter

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it

from runner.config.check import Config
from runner.data.dataset import Dataset
from runner.errors import first_line
from runner.nn.link import link_of
from runner.sweep.blocks import stack_of, training_of, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop, run_in_lanes
from runner.sweep.planning.way import Way
from runner.training.collected import Collected

TRIAL_BATCHES, TRIAL_SECONDS, TRIAL_EPOCHS = 6, 0.02, 8
"""How much of the data a trial trains on; after the pass in which it is recorded, for how long, but at
least twice and at most so often."""

TRIAL_TEST_SAMPLES = 512
"""How much of the test data."""


class CannotTrainError(Exception):
    """Jobs can't be trained in some way: not at all, or something can't be computed for several at once."""


@dataclass(frozen=True)
class Cost:
    """What a block of models costs while all lanes are at work, in seconds.

    Attributes:
        setup: until its first step is recorded.
        step: a batch.
        between: what an epoch takes beside its batches.
    """

    setup: float
    step: float
    between: float


@dataclass
class Trainee:
    """Copies of some jobs that train for one pass over the trial's data each time they are called.

    Attributes:
        train: gives the seconds that the batches took, as a member's share.
        members: how many there are.
        setup: the seconds until the first pass was done.
    """

    train: Callable[[], float]
    members: int
    setup: float

    def cost(self, batches: int) -> Cost:
        """Train for a moment; the fastest pass counts, since others may use the machine, too."""
        passes: list[tuple[float, float]] = []
        until = perf_counter() + TRIAL_SECONDS
        while len(passes) < 2 or (perf_counter() < until and len(passes) < TRIAL_EPOCHS):
            started = perf_counter()
            training = self.members * self.train()
            passes.append((perf_counter() - started, training))
        whole, training = min(passes)
        return Cost(self.setup, training / batches, whole - training)


def trial(jobs: Sequence[Job], data: Dataset, way: Way, stop: Stop) -> Cost:
    """Train copies of some of the jobs in a way, for a moment.

    Args:
        jobs: of one program.
        data: a little of what they read.
        way: how.
        stop: ends the trial.

    Raises:
        CannotTrainError: if that can't be done.
        Stopped: if that is wished for.
    """
    if way.block > 1:
        warm_up()
    supply = itertools.cycle(jobs)
    blocks = [[next(supply) for _ in range(way.block)] for _ in range(way.lanes)]
    own_stop = Stop(stop)  # a trial that fails stops itself alone
    trainees: list[Trainee] = []
    costs: list[Cost] = []

    def prepare(members: Sequence[Job]) -> None:
        trainees.append(make_trainee(members, data, own_stop))

    def measure(trainee: Trainee) -> None:
        costs.append(trainee.cost(ceil(len(data.train) / jobs[0].config.train.batch_size)))

    try:
        look_up_metrics(jobs[0].config, data)
        run_in_lanes([partial(prepare, members) for members in blocks], way.lanes, way.threads, own_stop)
        run_in_lanes([partial(measure, trainee) for trainee in trainees], way.lanes, way.threads, own_stop)
    except (Exception, SystemExit) as error:
        raise CannotTrainError(first_line(error)) from error
    stop.heed()
    return Cost(
        mean(cost.setup for cost in costs),
        mean(cost.step for cost in costs),
        mean(cost.between for cost in costs),
    )


def make_trainee(jobs: Sequence[Job], data: Dataset, stop: Stop) -> Trainee:
    """Copies of some jobs whose step is recorded."""
    started = perf_counter()
    jobs = [with_own_parts(job) for job in jobs]
    parts = [with_parameters(job) for job in jobs]
    if len(jobs) == 1:
        training = training_of(jobs[0], parts[0], data, stop, 1 + TRIAL_EPOCHS)

        def train() -> float:
            return training.epoch().metrics["time/epoch_seconds"]
    else:
        stack = stack_of(jobs, parts, data, stop)

        def train() -> float:
            return stack.epoch()[0].metrics["time/epoch_seconds"]

    train()
    return Trainee(train, len(jobs), perf_counter() - started)


def with_own_parts(job: Job) -> Job:
    """The job with copies of its parts: a plugin's may count what they see, which a trial is no part of."""
    config = job.config
    loss, rule, schedule, metrics = deepcopy((config.loss, config.rule, config.schedule, config.metrics))
    own = replace(config, loss=loss, rule=rule, schedule=schedule, metrics=metrics)
    return replace(job, config=own)


@cache
def warm_up() -> None:
    """Have torch import sympy, as it does for the first stacked cross-entropy: that is no stack's cost."""
    torch.vmap(F.cross_entropy)(torch.zeros(2, 2, 2), torch.zeros(2, 2, dtype=torch.int64))


def look_up_metrics(config: Config, data: Dataset) -> None:
    """Import what the wanted metrics are computed with: that is no way's cost, either."""
    if config.metrics:
        split, shape, link = data.test, config.source.out_shape, link_of(config.loss, data.test.task)
        Collected(split, len(split), shape, split.targets.device).measure(config.metrics, "", link)
