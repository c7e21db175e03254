"""How a group of jobs is trained fastest: measured, since no rule of thumb says when stacking pays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from time import perf_counter
from typing import Literal

from runner.data.dataset import Dataset
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.trial import TRIAL_BATCHES, TRIAL_TEST_SAMPLES, CannotTrainError, Cost, trial
from runner.sweep.planning.way import Way

Mode = Literal["auto", "stacked", "solo"] | int
"""How jobs are to be trained: in the fastest way, of stacks or alone, or in stacks of so many."""

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
        seconds: what that takes; 0 if it could not be tried.
    """

    way: Way
    reason: str
    seconds: float


@dataclass(frozen=True)
class Work:
    """What there is to do: so many jobs, each of so many epochs of so many batches."""

    jobs: int
    epochs: int
    batches: int

    def seconds(self, way: Way, cost: Cost) -> float:
        """How long it takes in a way; a block that is not full costs as much less."""
        rounds = ceil(ceil(self.jobs / way.block) / way.lanes)
        members = max(self.jobs / way.lanes, 1) / way.block
        return rounds * (cost.setup + self.epochs * cost.between) + (
            members * self.epochs * self.batches * cost.step
        )


def make_plan(jobs: Sequence[Job], count: int, data: Dataset, cores: int, mode: Mode, stop: Stop) -> Plan:
    """Choose how to train a group.

    Tries are short, a few batches each, and go on only as long as they cost little of what they may save.

    Args:
        jobs: the group, or one that stands for several that share no program.
        count: how many jobs there are.
        data: what they read.
        cores: how many threads torch may use in all.
        mode: ``stacked`` and ``solo`` leave only the block size and the number of lanes to choose, a block
            size nothing: the same sweep then rounds the same each time.
        stop: ends a trial.
    """
    on_gpu = jobs[0].parts.device.type != "cpu"
    arrangements = [(1, cores)]
    if not on_gpu and cores > 1 and count > 1:  # first, since it bears it best when others use the machine
        arrangements.insert(0, (min(cores, count), 1))
    search = Search(jobs, count, data, stop)
    if isinstance(mode, int):
        lanes, threads = arrangements[0]
        search.attempt(Way(min(mode, len(jobs), ceil(count / lanes)), lanes, threads))
        if search.seconds:
            return search.result(cores)
    if mode == "stacked":
        search.try_stacks(arrangements)
    if not search.seconds:
        for each in arrangements:
            search.attempt(Way(1, *each))
            if mode == "auto":
                search.try_stacks([each])
    if mode != "solo":
        search.try_other_sizes()
    return search.result(cores)


class Search:
    """Trials of one group's ways, and what they promise.

    Attributes:
        seconds: for each way that was tried, what the whole group's training would take.
    """

    def __init__(self, jobs: Sequence[Job], count: int, data: Dataset, stop: Stop) -> None:
        self._jobs, self._stop = jobs, stop
        train = jobs[0].config.train
        batch = train.batch_size
        self._work = Work(count, train.epochs, ceil(len(data.train) / batch))
        short = len(data.train) % batch  # which is another program
        self._data = replace(
            data,
            train=data.train.first(TRIAL_BATCHES * batch + short),
            test=data.test.first(TRIAL_TEST_SAMPLES),
            val=data.val.first(TRIAL_TEST_SAMPLES) if data.val is not None else None,
        )
        self._started = perf_counter()
        self._step_alone = 0.0
        self._obstacles: dict[bool, str] = {}  # of stacks, and of models alone
        self.seconds: dict[Way, float] = {}

    @property
    def best(self) -> Way:
        """The fastest so far."""
        return min(self.seconds, key=self.seconds.__getitem__)

    def result(self, cores: int) -> Plan:
        """The fastest way and what is to be said of it."""
        if not self.seconds:  # training will meet that again, and tell it of each job
            return Plan(Way(1, 1, cores), f"cannot be tried: {self._obstacles[False]}", 0.0)
        tried = sorted(self.seconds.items(), key=lambda item: item[1])
        told = "tried: " + "; ".join(f"{way}: {seconds:.3g} s" for way, seconds in tried)
        if True in self._obstacles and not any(way.is_stack for way in self.seconds):
            told = f"cannot be stacked: {self._obstacles[True]}; {told}"
        return Plan(self.best, told, self.seconds[self.best])

    def try_stacks(self, arrangements: Sequence[tuple[int, int]]) -> None:
        """Try stacks of one size, where each lane can have one."""
        count = len(self._jobs)
        longest = int(PATIENCE_FOR_A_STEP / self._step_alone) if self._step_alone else FIRST_BLOCK
        block = min(max(longest, 2), FIRST_BLOCK, count)
        for lanes, threads in arrangements:
            if 2 * lanes <= count:
                self.attempt(Way(min(block, ceil(count / lanes)), lanes, threads))

    def try_other_sizes(self) -> None:
        """Try larger and smaller stacks than the best one, as long as they get better."""
        stacks = [way for way in self.seconds if way.is_stack]
        if not stacks:
            return
        start = min(stacks, key=self.seconds.__getitem__)
        largest = min(LARGEST_BLOCK, ceil(len(self._jobs) / start.lanes))
        for sizes in (doubled(start.block, largest), halved(start.block)):
            before = start
            for size in sizes:
                way = Way(size, start.lanes, start.threads)
                if not self.attempt(way) or self.seconds[way] > CLEARLY * self.seconds[before]:
                    break
                before = way

    def attempt(self, way: Way) -> bool:
        """Measure a way, unless that would cost too much by now; says whether it is measured."""
        if way in self.seconds:
            return True
        spent = perf_counter() - self._started
        is_first = not any(way.is_stack == other.is_stack for other in self.seconds)
        if not is_first and spent > SHARE * min(self.seconds.values()):
            return False
        try:
            cost = trial(self._jobs, self._data, way, self._stop)
        except CannotTrainError as obstacle:
            self._obstacles[way.is_stack] = str(obstacle)
            return False
        self.seconds[way] = self._work.seconds(way, cost)
        if not way.is_stack:
            self._step_alone = min(cost.step, self._step_alone or cost.step)
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
