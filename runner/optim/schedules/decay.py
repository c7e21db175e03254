"""The learning rate gets smaller epoch by epoch, or stays."""

from dataclasses import dataclass
from typing import ClassVar

from runner.optim.schedules.schedule import Moment, along_line, progress
from runner.types import NonNegative, Positive, PositiveInt


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
class MultiStep:
    """Times ``gamma`` after each of the epochs ``milestones`` (torch's ``MultiStepLR``)."""

    milestones: tuple[PositiveInt, ...]
    gamma: Positive = 0.1

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """gamma^(milestones that are over)."""
        return float(self.gamma ** sum(milestone < moment.epoch for milestone in self.milestones))


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """Times ``gamma`` every epoch (torch's ``ExponentialLR``)."""

    gamma: Positive

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """gamma^(epoch - 1)."""
        return float(self.gamma ** (moment.epoch - 1))


@dataclass(frozen=True, kw_only=True)
class LinearRate:
    """In a line from ``start_factor`` to ``end_factor`` in ``total_iters`` epochs (torch's ``LinearLR``).

    ``total_iters`` of None are all epochs, and one more would have ``end_factor``.
    """

    start_factor: NonNegative = 1.0
    end_factor: NonNegative = 0.0
    total_iters: PositiveInt | None = None

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """Start + (end - start) min(epoch - 1, total) / total."""
        return along_line(self.start_factor, self.end_factor, progress(moment, self.total_iters))


@dataclass(frozen=True, kw_only=True)
class Polynomial:
    """A power of the share of ``total_iters`` epochs that is left, 0 after them (torch's ``PolynomialLR``).

    ``total_iters`` of None are all epochs.
    """

    power: Positive = 1.0
    total_iters: PositiveInt | None = None

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """(1 - min(epoch - 1, total) / total)^power."""
        return float((1 - progress(moment, self.total_iters)) ** self.power)
