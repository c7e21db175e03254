"""Small learning rates first, before any schedule."""

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from runner.optim.schedules.schedule import Moment, Schedule, along_line


@dataclass(frozen=True)
class WarmUp:
    """In a line, step by step, up to where a schedule begins; then that schedule for what is left.

    Torch's ``LinearLR`` per step and the schedule, one after the other (``SequentialLR``). Goyal et al.,
    "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017).

    Attributes:
        schedule: what follows; its first epoch begins when the warm-up is over, its last is the last of all.
        epochs: how many epochs the warm-up takes.
        steps: how many steps beside them.
        start_factor: what the first step's rate is, as a factor of that at the warm-up's end.
    """

    schedule: Schedule
    epochs: int
    steps: int
    start_factor: float

    per_step: ClassVar[bool] = True

    def factor(self, moment: Moment) -> float:
        """(start + (1 - start) step / length) times the schedule's first, later what the schedule says."""
        length = self.epochs * moment.steps + self.steps
        left = max(moment.epochs * moment.steps - length, 1)
        done = max(moment.step - length, 0)
        since = Moment(
            epoch=done // moment.steps + 1,
            epochs=ceil(left / moment.steps),
            step=done,
            steps=moment.steps,
            history=moment.history[length // moment.steps :],
        )
        share = min(moment.step / length, 1.0)
        return along_line(self.start_factor, 1.0, share) * self.schedule.factor(since)
