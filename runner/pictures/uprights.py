"""The upright axes of parallel coordinates: where on them a value lies, and what is written beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator

from runner.pictures.axes import FEW, LABEL_LENGTH, is_logarithmic, number, shortened, spread_over_decades

FAN = 0.35
"""Lines through one of few values stand beside each other, over this share of the way to the next value."""

NAMED = 16
"""Values of a category that can be named, one above the other."""

TICKS = 6


@dataclass(frozen=True)
class Upright:
    """An axis from 0 to 1.

    Attributes:
        places: of the values, each as typed.
        ticks: what is written at which place.
        fan: the height over which the lines through one value are spread.
    """

    places: Mapping[str, float]
    ticks: Mapping[float, str]
    fan: float = 0


def of_key(texts: Sequence[str]) -> Upright:
    """A key's axis: few values, or what is no number, stand evenly; numbers else to scale."""
    distinct = list(dict.fromkeys(texts))
    numbers = {text: value for text in distinct if (value := number(text)) is not None}
    if len(numbers) < len(distinct):
        return evenly(distinct)
    ascending = sorted(distinct, key=lambda text: numbers[text])
    spots = sorted(set(numbers.values()))
    if len(spots) <= FEW:
        return evenly(ascending)
    logarithmic = spread_over_decades(spots)
    ticks = ticks_between(spots[0], spots[-1], logarithmic)
    return Upright(
        {text: place_of(value, spots[0], spots[-1], logarithmic) for text, value in numbers.items()},
        {place_of(tick, spots[0], spots[-1], logarithmic): f"{tick:g}" for tick in ticks},
    )


def evenly(texts: Sequence[str]) -> Upright:
    """An axis on which values stand at the same distance from each other; of many, some are named."""
    gap = 1 / len(texts)
    places = {text: (index + 0.5) * gap for index, text in enumerate(texts)}
    every = math.ceil(len(texts) / NAMED)
    ticks = {places[text]: shortened(text, LABEL_LENGTH // 2) for text in texts[::every]}
    return Upright(places, ticks, FAN * gap)


def of_objective(objective: str, values: Sequence[float]) -> Upright:
    """The objective's axis; its places go by ``repr``."""
    low, high, logarithmic = min(values), max(values), is_logarithmic(objective, values)
    return Upright(
        {repr(value): place_of(value, low, high, logarithmic) for value in values},
        {place_of(t, low, high, logarithmic): f"{t:g}" for t in ticks_between(low, high, logarithmic)},
    )


def place_of(value: float, low: float, high: float, logarithmic: bool) -> float:
    """Where a value lies between the lowest and the highest; in the middle if these are one."""
    if low == high:
        return 0.5
    if logarithmic:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def ticks_between(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round numbers in a range; its one number if it has no others."""
    if low == high:
        return [low]
    if logarithmic:
        subs = (1, 2, 5) if high / low < 100 else (1,)
        ticks = LogLocator(subs=subs, numticks=2 * TICKS).tick_values(low, high)
    else:
        ticks = MaxNLocator(TICKS).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]
