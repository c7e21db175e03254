"""What a learning-rate schedule is: how a rule's ``lr`` changes while a model is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar, Protocol


@dataclass(frozen=True)
class Moment:
    """Where in its training a model is.

    Attributes:
        epoch: the present one: 1, 2, …
        epochs: how many there will be.
        step: steps done in all epochs so far: 0, 1, …
        steps: how many an epoch has.
        history: the metrics of the epochs that are over.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    history: Sequence[Mapping[str, float]] = ()


class Schedule(Protocol):
    """A factor for the learning rate, which follows from the moment alone: a schedule remembers nothing."""

    per_step: ClassVar[bool]
    """Whether it may be another in each step of an epoch, and not only in each epoch."""

    def factor(self, moment: Moment) -> float:
        """What ``optim.lr`` is multiplied with."""


def progress(moment: Moment, total: int | None = None) -> float:
    """The share of ``total`` epochs, of all if that is None, that is over; 1 after them."""
    total = moment.epochs if total is None else total
    return min(moment.epoch - 1, total) / total


def along_line(start: float, end: float, share: float) -> float:
    """A share of the way from ``start`` to ``end``."""
    return start + (end - start) * share


def along_cosine(start: float, end: float, share: float) -> float:
    """A share of the way from ``start`` to ``end``, slow at both ends: along half a cosine."""
    return end + (start - end) / 2 * (1 + cos(pi * share))
