"""Which way a metric gets better: as it says itself, else by its name."""

import math

SMALLER = ("loss", "error", "mae", "rmse", "perplexity")
"""How the names of metrics end that are better the smaller they are, if they don't say otherwise."""


SAID: dict[str, bool] = {}
"""What metrics of this process's configs say of themselves, by their names after ``test/``."""


def remember(name: str, smaller: bool | None) -> None:
    """Go by what a metric says of itself from now on; by its name again if it says nothing."""
    if smaller is None:
        SAID.pop(name, None)
    else:
        SAID[name] = smaller


def smaller_is_better(metric: str) -> bool:
    """Whether a metric is better the smaller it is; every other is better the larger it is."""
    return SAID.get(metric.rpartition("/")[2], metric.endswith(SMALLER))


def cost(metric: str, value: float) -> float:
    """A metric's value as something to make small, so that ``min`` and ``sorted`` find the best first.

    What is no number is worst.
    """
    if math.isnan(value):
        return math.inf
    return value if smaller_is_better(metric) else -value
