"""Which way a metric gets better: the one rule for it."""

import math


def is_loss(metric: str) -> bool:
    """Whether a metric is better the smaller it is; every other is better the larger it is."""
    return metric.endswith("loss")


def cost(metric: str, value: float) -> float:
    """A metric's value as something to make small, so that ``min`` and ``sorted`` find the best first.

    What is no number is worst.
    """
    if math.isnan(value):
        return math.inf
    return value if is_loss(metric) else -value
