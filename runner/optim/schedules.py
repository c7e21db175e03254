"""Learning-rate schedules: how a rule's ``lr`` changes from epoch to epoch."""

from dataclasses import dataclass
from typing import Protocol


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
