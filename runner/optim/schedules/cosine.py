"""The learning rate follows halves of a cosine."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from runner.optim.schedules.schedule import Moment, along_cosine, along_line
from runner.types import Fraction, Positive, PositiveInt


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Half a cosine from 1 towards ``floor``, without restarts (Loshchilov and Hutter, 2017).

    Torch's ``CosineAnnealingLR``, with ``eta_min`` being ``floor`` times the learning rate. It is there after
    ``T_max`` epochs, all of them if that is None, and after fewer goes up again as it came down.
    """

    T_max: PositiveInt | None = None
    floor: Fraction = 0.0

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """Floor + (1 - floor) (1 + cos(pi (epoch - 1) / T_max)) / 2."""
        return along_cosine(1.0, self.floor, (moment.epoch - 1) / (self.T_max or moment.epochs))


@dataclass(frozen=True, kw_only=True)
class WarmRestarts:
    """Half a cosine from 1 towards ``floor`` in ``T_0`` epochs, and again, each ``T_mult`` times as long.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017); torch's
    ``CosineAnnealingWarmRestarts``, with ``eta_min`` being ``floor`` times the learning rate.
    """

    T_0: PositiveInt
    T_mult: PositiveInt = 1
    floor: Fraction = 0.0

    per_step: ClassVar[bool] = False

    def factor(self, moment: Moment) -> float:
        """Floor + (1 - floor) (1 + cos(pi T_cur / T_i)) / 2, T_cur epochs after the last restart."""
        since, length = moment.epoch - 1, self.T_0
        while since >= length:
            since, length = since - length, length * self.T_mult
        return along_cosine(1.0, self.floor, since / length)


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Up to 1 in ``pct_start`` of all steps, then down to nearly nothing, step by step.

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    (2018); torch's ``OneCycleLR`` with ``max_lr`` being ``optim.lr``, and momentum left alone. It begins at
    1 / ``div_factor`` and ends at 1 / ``final_div_factor`` of that; if ``three_phase``, it comes down to its
    beginning as fast as it went up, and only then to its end.
    """

    pct_start: Fraction = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    div_factor: Positive = 25.0
    final_div_factor: Positive = 1e4
    three_phase: bool = False

    per_step: ClassVar[bool] = True

    def factor(self, moment: Moment) -> float:
        """Between the turning points around this step, along half a cosine or a line."""
        last = moment.epochs * moment.steps - 1
        top, low = self.pct_start * (last + 1) - 1, 1 / self.div_factor
        end = low / self.final_div_factor
        back = [(2 * top, low)] if self.three_phase else []
        curve = along_cosine if self.anneal_strategy == "cos" else along_line
        for (begun, start), (over, goal) in pairwise([(0.0, low), (top, 1.0), *back, (last, end)]):
            if moment.step <= over and begun < over:
                return curve(start, goal, (moment.step - begun) / (over - begun))
        return end
