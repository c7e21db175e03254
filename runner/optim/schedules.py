"""Learning-rate schedules: how a rule's ``lr`` changes from epoch to epoch."""

from dataclasses import dataclass
from math import cos, pi
from typing import Protocol

from runner.types import Positive, PositiveInt


class Schedule(Protocol):
    """A factor for the learning rate."""

    def factor(self, epoch: int, epochs: int) -> float:
        """What ``optim.lr`` is multiplied with in ``epoch`` (1, 2, …) of ``epochs``."""


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The learning rate stays as it is."""

    def factor(self, epoch: int, epochs: int) -> float:
        """Always 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """Times ``gamma`` every ``step_size`` epochs (torch's ``StepLR``)."""

    step_size: PositiveInt
    gamma: Positive = 0.1

    def factor(self, epoch: int, epochs: int) -> float:
        """gamma^((epoch - 1) // step_size)."""
        return float(self.gamma ** ((epoch - 1) // self.step_size))


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """Times ``gamma`` every epoch (torch's ``ExponentialLR``)."""

    gamma: Positive

    def factor(self, epoch: int, epochs: int) -> float:
        """gamma^(epoch - 1)."""
        return float(self.gamma ** (epoch - 1))


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Half a cosine from 1 towards 0, without restarts (Loshchilov and Hutter, 2017).

    Torch's ``CosineAnnealingLR`` with ``T_max`` being the number of epochs.
    """

    def factor(self, epoch: int, epochs: int) -> float:
        """(1 + cos(pi (epoch - 1) / epochs)) / 2."""
        return (1 + cos(pi * (epoch - 1) / epochs)) / 2
