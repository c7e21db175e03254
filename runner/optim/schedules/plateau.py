"""The learning rate gets smaller when nothing else helps."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

from runner.objective import cost
from runner.optim.schedules.schedule import Moment
from runner.types import Fraction, NonNegative, NonNegativeInt

TRAINING_LOSS = "train/loss"


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau:
    """Times ``gamma`` when a metric has not improved for more than ``patience`` epochs, until ``floor``.

    Torch's ``ReduceLROnPlateau``, stepped after each epoch, ``gamma`` being its ``factor``, ``eps`` 0.
    A loss improves by getting smaller, any other metric by getting larger; ``metric`` of None is the training
    loss. ``threshold`` is by how much the best value has to be surpassed, as a share of it (``rel``) or in
    itself (``abs``). For ``cooldown`` epochs after a reduction none counts as bad.
    """

    metric: str | None = None
    gamma: Fraction = 0.1
    patience: NonNegativeInt = 10
    threshold: NonNegative = 1e-4
    threshold_mode: Literal["rel", "abs"] = "rel"
    cooldown: NonNegativeInt = 0
    floor: Fraction = 0.0

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """gamma^(reductions so far), at least floor."""
        metric = self.metric or TRAINING_LOSS
        best, bad, cooling, reductions = inf, 0, 0, 0
        for metrics in moment.history:
            value = cost(metric, metrics[metric])
            best, bad = (value, 0) if self._is_better(value, best) else (best, bad + 1)
            if cooling > 0:
                cooling, bad = cooling - 1, 0
            if bad > self.patience:
                cooling, bad, reductions = self.cooldown, 0, reductions + 1
        return max(float(self.gamma**reductions), self.floor)

    def _is_better(self, value: float, best: float) -> bool:
        if best == inf:
            return value < best
        return value < best - self.threshold * (abs(best) if self.threshold_mode == "rel" else 1)
