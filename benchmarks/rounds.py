"""Rounds in which everybody has a turn, and what the middle of many turns is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from benchmarks.process import ProcessError

Who = TypeVar("Who")
Turn = TypeVar("Turn")


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of some numbers."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        """Raises ValueError where there are none."""
        return cls(median(numbers), min(numbers), max(numbers))


def rotated(programs: Sequence[Who], number: int) -> list[Who]:
    """The order in round ``number`` (0, 1, …): each round begins with another one."""
    start = number % len(programs) if programs else 0
    return [*programs[start:], *programs[:start]]


def interleave(
    programs: Sequence[Who], rounds: int, turn: Callable[[Who], Turn], failed: Callable[[Who, str], None]
) -> dict[Who, list[Turn]]:
    """Give each program its turn in each round, one after the other, never two at a time.

    One that fails is told of once and has no more turns; what it found before counts no more.
    """
    found: dict[Who, list[Turn]] = {program: [] for program in programs}
    for number in range(rounds):
        for program in rotated(list(found), number):
            try:
                found[program].append(turn(program))
            except ProcessError as error:
                failed(program, str(error))
                del found[program]
    return found


def ratio(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Spread:
    """Ours divided by theirs: the medians of all rounds, and the least and greatest of any one round."""
    by_round = [median(a) / median(b) for a, b in zip(ours, theirs, strict=True)]
    of_all = median(flat(ours)) / median(flat(theirs))
    return Spread(of_all, min(by_round), max(by_round))


def flat(rounds: Sequence[Sequence[float]]) -> list[float]:
    """The numbers of all rounds together."""
    return [number for numbers in rounds for number in numbers]
