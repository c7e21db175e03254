"""The axes of pictures: where they are logarithmic, and what is written beside them."""

import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from runner.objective import smaller_is_better

FEW = 7
"""Members, or values of a key, that can still be named one by one."""

DECADES = 1.5
"""A key whose values span more of them has a logarithmic axis."""

LOSS_RATIO = 3
"""A loss that shrinks by more than that is shown on a logarithmic axis."""

LABEL_LENGTH = 28


def scale_key(axes: Axes, spots: Sequence[float], along: Literal["x", "y"] = "x") -> None:
    """A numeric key's axis: logarithmic where values span decades, ticks at the values if they are few."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    logarithmic = spread_over_decades(spots)
    if logarithmic:
        axes.set(**{f"{along}scale": "log"})
    scaled = [math.log10(spot) for spot in spots] if logarithmic else list(spots)
    gaps = [after - before for before, after in pairwise(scaled)]
    if len(spots) <= FEW and all(gap > 0.09 * (scaled[-1] - scaled[0]) for gap in gaps):
        axis.set_major_locator(FixedLocator(list(spots)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    elif not logarithmic and all(spot.is_integer() for spot in spots):
        axis.set_major_locator(MaxNLocator(integer=True))


def spread_over_decades(spots: Sequence[float]) -> bool:
    """Whether ascending values span decades and lie evenly on them, not on a linear axis."""
    low, middle, high = spots[0], statistics.median_low(spots), spots[-1]
    if low <= 0 or math.log10(high / low) <= DECADES:
        return False
    geometric, arithmetic = math.sqrt(low * high), (low + high) / 2
    return abs(math.log(middle / geometric)) < abs(math.log(middle / arithmetic))


def name_values(axes: Axes, texts: Sequence[str]) -> None:
    """A categorical axis: each value's name, tilted where they would touch; of many, some."""
    every = math.ceil(len(texts) / 20)
    names = [shortened(text) for text in texts[::every]]
    tilted = sum(map(len, names)) > 24
    axes.set_xticks(range(0, len(texts), every), names, rotation=30 if tilted else 0,
                    ha="right" if tilted else "center")  # fmt: skip
    axes.set_xlim(-0.6, len(texts) - 0.4)


def is_logarithmic(objective: str, values: Sequence[float]) -> bool:
    """Whether a metric with these values is shown on a logarithmic axis: a loss that shrinks a good deal."""
    return smaller_is_better(objective) and ratio_of(values) > LOSS_RATIO


def ratio_of(values: Sequence[float]) -> float:
    """How many times the largest finite value is the smallest; 1 if not all are positive."""
    positive = [value for value in values if math.isfinite(value) and value > 0]
    return max(positive) / min(positive) if positive and min(values) > 0 else 1


def scale_objective(axes: Axes, objective: str, values: Sequence[float]) -> None:
    """The objective's axis: logarithmic for a loss that shrinks by a good deal."""
    if is_logarithmic(objective, values):
        ratio = ratio_of(values)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < 100 else (1,)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize="small", which="both")


def number(text: str) -> float | None:
    """A value as typed, if it is a finite number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def shortened(text: str, length: int = LABEL_LENGTH) -> str:
    """The text, its middle left out if it is long; a dollar is a dollar, no formula."""
    kept = (length - 1) // 2
    return (text if len(text) <= length else f"{text[:kept]}…{text[-kept:]}").replace("$", r"\$")
