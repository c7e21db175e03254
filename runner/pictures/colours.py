"""The colours of an objective's values: the better, the darker."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm, Normalize

from runner.objective import smaller_is_better
from runner.pictures.axes import is_logarithmic

PALEST = 0.92
"""Where the scale ends: what is paler than that cannot be seen on white paper."""


def colours_of(objective: str) -> ListedColormap:
    """Colours for the values of an objective, from the smallest to the largest."""
    scale = colormaps["viridis"](np.linspace(0, PALEST, 256))
    return ListedColormap(scale if smaller_is_better(objective) else scale[::-1])


def normed(objective: str, values: Sequence[float]) -> Normalize:
    """How an objective's finite values are spread over its colours."""
    norm = LogNorm if is_logarithmic(objective, values) else Normalize
    return norm(min(values), max(values))


def direction(objective: str) -> str:
    """Which way an objective gets better, in words."""
    return "smaller is better" if smaller_is_better(objective) else "larger is better"
