"""How a group of jobs is trained fastest: measured, since no rule of thumb says when stacking pays."""

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from statistics import mean
from time import perf_counter
from typing import Literal

from runner.data.dataset import Dataset
from runner.sweep.blocks import epochs_alone, stack_of, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.lanes import Stop, run_in_lanes
from runner.sweep.way import Way

log = logging.getLogger(__name__)

Mode = Literal["auto", "stacked", "solo"]

TRIAL_BATCHES, TRIAL_SECONDS, TRIAL_EPOCHS = 6, 0.02, 8
"""How much of the data a trial trains on; after the pass in which it is recorded, for how long, but at
least twice and at most so often."""

SHARE = 0.1
"""The share of what is to be trained that may be spent on finding out how."""

CLEARLY = 0.97
"""What a better size of a block has to save to be followed by the next."""

FIRST_BLOCK, LARGEST_BLOCK, PATIENCE_FOR_A_STEP = 16, 128, 0.03
"""The first stack that is tried, the largest, and the seconds that a first stack's step may take."""


@dataclass(frozen=True)
class Plan:
    """How a group is trained, why, and what that takes.

    Attributes:
        way: the choice.
        reason: in a few words.
        seconds: what a step of one model takes, all lanes at work.
    """

    way: Way
    reason: str
    seconds: float


class CannotStackError(Exception):
    """Something in a model, a loss or a rule can't be computed for several models at once."""


def steps(job: Job, data: Dataset) -> int:
    """Batches that a job trains on in all."""
    train = job.config.train
    return train.epochs * ceil(len(data.train) / train.batch_size)


def make_plan(jobs: Sequence[Job], count: int, data: Dataset, cores: int, mode: Mode, stop: Stop) -> Plan:
    """Choose how to train a group.

    Tries are short, a few batches each, and go on only as long as they cost little of what they may save.

    Args:
        jobs: the group, or one that stands for several that share no program.
        count: how many jobs there are.
        data: what they read.
        cores: how many threads torch may use in all.
        mode: ``stacked`` and ``solo`` leave only the block size and the number of lanes to choose.
        stop: ends a trial.
    """
    on_gpu = jobs[0].parts.device.type != "cpu"
    arrangements = [(1, cores)]
    if not on_gpu and cores > 1 and count > 1:  # first, since it bears it best when others use the machine
        arrangements.insert(0, (min(cores, count), 1))
    search = Search(jobs, count, data, stop)
    reason = ""
    if mode == "stacked" and len(jobs) > 1:
        reason = search.climb(arrangements)
    if not search.seconds:
        for each in arrangements:
            search.attempt(Way(1, *each))
        if mode == "auto" and len(jobs) > 1:
            reason = search.climb(arrangements)
    told = f"a step of one model took, {search.told()}"
    return Plan(search.best, f"{reason}; {told}" if reason else told, search.seconds[search.best])


class Search:
    """Trials of one group's ways, and what they took.

    Attributes:
        seconds: for each way that was tried, what a step of one model took.
    """

    def __init__(self, jobs: Sequence[Job], count: int, data: Dataset, stop: Stop) -> None:
        self._jobs, self._stop, self._all = jobs, stop, count * steps(jobs[0], data)
        batch = jobs[0].config.train.batch_size
        self._data = Dataset(data.train.first(TRIAL_BATCHES * batch), data.test.first(1))
        self._started = perf_counter()
        self.seconds: dict[Way, float] = {}

    @property
    def best(self) -> Way:
        """The fastest so far."""
        return min(self.seconds, key=self.seconds.__getitem__)

    def told(self) -> str:
        """What was measured, in milliseconds a step of one model."""
        tried = sorted(self.seconds.items(), key=lambda item: item[1])
        return ", ".join(f"{way}: {1000 * seconds:.3g} ms" for way, seconds in tried)

    def climb(self, arrangements: Sequence[tuple[int, int]]) -> str:
        """Try stacks of one size in every arrangement, then other sizes in the better of them.

        Returns why there can't be any, if there can't.
        """
        try:
            self._climb(arrangements)
        except CannotStackError as obstacle:
            return f"cannot be stacked: {obstacle}"
        return ""

    def _climb(self, arrangements: Sequence[tuple[int, int]]) -> None:
        block = self._first_block()
        for lanes, threads in arrangements:
            if lanes == 1 or 2 * lanes <= len(self._jobs):
                self.attempt(Way(min(block, ceil(len(self._jobs) / lanes)), lanes, threads))
        stacks = [way for way in self.seconds if way.block > 1]
        start = min(stacks, key=self.seconds.__getitem__)
        largest = min(LARGEST_BLOCK, ceil(len(self._jobs) / start.lanes))
        for sizes in (doubled(start.block, largest), halved(start.block)):
            before = start
            for size in sizes:
                way = Way(size, start.lanes, start.threads)
                if not self.attempt(way) or self.seconds[way] > CLEARLY * self.seconds[before]:
                    break
                before = way

    def _first_block(self) -> int:
        alone = [seconds for way, seconds in self.seconds.items() if way.block == 1]
        largest = int(PATIENCE_FOR_A_STEP / min(alone)) if alone else FIRST_BLOCK
        return min(max(largest, 2), FIRST_BLOCK, len(self._jobs))

    def attempt(self, way: Way) -> bool:
        """Measure a way, unless that would cost too much by now; says whether it did.

        Raises:
            CannotStackError: if it is a stack and can't be computed.
        """
        if way in self.seconds:
            return True
        spent = perf_counter() - self._started
        is_first = not any((way.block > 1) == (other.block > 1) for other in self.seconds)
        if not is_first and spent > SHARE * self._all * min(self.seconds.values()):
            return False
        self.seconds[way] = trial(self._jobs, self._data, way, self._stop)
        return True


def doubled(block: int, largest: int) -> Iterator[int]:
    """Twice the block, and again, up to the largest."""
    while block < largest:
        block = min(2 * block, largest)
        yield block


def halved(block: int) -> Iterator[int]:
    """Half the block, and again, down to 2."""
    while block >= 4:
        block //= 2
        yield block


def trial(jobs: Sequence[Job], data: Dataset, way: Way, stop: Stop) -> float:
    """Train copies of some of the jobs in a way; gives the seconds that a step of one model took.

    Raises:
        CannotStackError: if it is a stack and can't be computed.
    """
    supply = itertools.cycle(jobs)
    blocks = [[next(supply) for _ in range(way.block)] for _ in range(way.lanes)]
    own_stop = Stop(stop)
    trainers: list[Callable[[], float]] = []
    measured: list[float] = []

    def prepare(members: Sequence[Job]) -> None:
        train = trainer(members, data, own_stop)
        train()  # in which the step is recorded
        trainers.append(train)

    def measure(train: Callable[[], float]) -> None:
        until = perf_counter() + TRIAL_SECONDS
        passes = [train(), train()]
        while perf_counter() < until and len(passes) < TRIAL_EPOCHS:
            passes.append(train())
        measured.append(min(passes))  # others may use the machine, too

    try:
        run_in_lanes([partial(prepare, members) for members in blocks], way.lanes, way.threads, own_stop)
    except Exception as error:
        if way.block > 1:
            raise CannotStackError(first_line(error)) from error
        raise
    run_in_lanes([partial(measure, train) for train in trainers], way.lanes, way.threads, own_stop)
    stop.heed()
    batches = ceil(len(data.train) / jobs[0].config.train.batch_size)
    return mean(measured) / batches / way.lanes


def trainer(members: Sequence[Job], data: Dataset, stop: Stop) -> Callable[[], float]:
    """Trains copies of some jobs for one epoch each time; gives a member's share of the seconds."""
    parts = [with_parameters(job) for job in members]
    if len(members) == 1:
        epochs = epochs_alone(members[0], parts[0], data, stop, 1 + TRIAL_EPOCHS)
        return lambda: next(epochs).metrics["time/epoch_seconds"]
    stack = stack_of(members, parts, data, stop)
    return lambda: stack.epoch()[0].metrics["time/epoch_seconds"]


def first_line(error: BaseException) -> str:
    """What an exception says, in a line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
