"""Which way a metric gets better: the one rule for it, by its name alone, which is all that a store knows."""

import math

SMALLER = ("loss", "error", "mae", "rmse", "perplexity")
"""How the names of metrics end that are better the smaller they are."""


def smaller_is_better(metric: str) -> bool:
    """Whether a metric is better the smaller it is; every other is better the larger it is."""
    return metric.endswith(SMALLER)


def cost(metric: str, value: float) -> float:
    """A metric's value as something to make small, so that ``min`` and ``sorted`` find the best first.

    What is no number is worst.
    """
    if math.isnan(value):
        return math.inf
    return value if smaller_is_better(metric) else -value
