"""Small learning rates first, before any schedule."""

from dataclasses import dataclass
from typing import ClassVar

from runner.optim.schedules.schedule import Moment, Schedule, along_line


@dataclass(frozen=True)
class WarmUp:
    """In a line, step by step, up to where a schedule begins; then that for the epochs that are left.

    Of torch, ``LinearLR`` per step and the schedule, one after the other. Goyal et al., "Accurate, Large
    Minibatch SGD: Training ImageNet in 1 Hour" (2017).

    Attributes:
        schedule: what follows. Its first epoch is that in which the warm-up ends, its last that of all.
        epochs: how many epochs the warm-up takes.
        steps: how many steps beside them.
        start_factor: what the rate begins as, as a factor of the schedule's.
    """

    schedule: Schedule
    epochs: int
    steps: int
    start_factor: float

    per_step: ClassVar[bool] = True

    def factor(self, moment: Moment) -> float:
        """(start + (1 - start) min(step, length) / length) times what the schedule says."""
        length = self.epochs * moment.steps + self.steps
        over = length // moment.steps
        since = Moment(
            epoch=max(moment.epoch - over, 1),
            epochs=max(moment.epochs - over, 1),
            step=max(moment.step - over * moment.steps, 0),
            steps=moment.steps,
            history=moment.history[over:],
        )
        risen = along_line(self.start_factor, 1.0, min(moment.step / length, 1.0))
        return risen * self.schedule.factor(since)
