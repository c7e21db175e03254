"""Learning-rate schedules: how a rule's ``lr`` changes while a model is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar, Protocol

from runner.types import Positive, PositiveInt


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


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The learning rate stays as it is."""

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """Always 1."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """Times ``gamma`` every ``step_size`` epochs (torch's ``StepLR``)."""

    step_size: PositiveInt
    gamma: Positive = 0.1

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """gamma^((epoch - 1) // step_size)."""
        return float(self.gamma ** ((moment.epoch - 1) // self.step_size))


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """Times ``gamma`` every epoch (torch's ``ExponentialLR``)."""

    gamma: Positive

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """gamma^(epoch - 1)."""
        return float(self.gamma ** (moment.epoch - 1))


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Half a cosine from 1 towards 0, without restarts (Loshchilov and Hutter, 2017).

    Torch's ``CosineAnnealingLR`` with ``T_max`` being the number of epochs.
    """

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """(1 + cos(pi (epoch - 1) / epochs)) / 2."""
        return (1 + cos(pi * (moment.epoch - 1) / moment.epochs)) / 2
