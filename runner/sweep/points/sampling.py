"""Points drawn from a space, at random or from a sequence that fills it evenly."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from runner.errors import ConfigError, unknown
from runner.sweep.points.space import Dimension, Interval, Space

Points = NDArray[np.float64]
"""``[N, D]``, each number in [0, 1)."""


def random(count: int, dimensions: int, generator: np.random.Generator) -> Points:
    """Independent uniform points."""
    return generator.random((count, dimensions))


def sobol(count: int, dimensions: int, generator: np.random.Generator) -> Points:
    """The first points of a scrambled Sobol' sequence (Owen 1998), which is even over powers of two."""
    engine = qmc.Sobol(dimensions, rng=generator)
    drawn: Points = engine.random_base2(math.ceil(math.log2(count)))
    return drawn[:count]


def halton(count: int, dimensions: int, generator: np.random.Generator) -> Points:
    """The first points of a scrambled Halton sequence (Owen 2017)."""
    drawn: Points = qmc.Halton(dimensions, rng=generator).random(count)
    return drawn


def latin(count: int, dimensions: int, generator: np.random.Generator) -> Points:
    """A Latin hypercube (McKay et al. 1979): one point in each of ``count`` slices of each dimension."""
    drawn: Points = qmc.LatinHypercube(dimensions, rng=generator).random(count)
    return drawn


SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Points]] = {
    "random": random,
    "sobol": sobol,
    "halton": halton,
    "latin": latin,
}


def sample(space: Space, trials: int, sampler: str, seed: int) -> list[list[str]]:
    """The overrides of ``trials`` jobs, the same ones for the same seed.

    Raises:
        ConfigError: if there is no such sampler.
    """
    if sampler not in SAMPLERS:
        raise ConfigError([unknown("hydra.sweeper.sampler", sampler, SAMPLERS)])
    swept = space.swept
    points = SAMPLERS[sampler](trials, len(swept), np.random.default_rng(seed))
    return [
        space.job({key: text_at(swept[key], float(u)) for key, u in zip(swept, point, strict=True)})
        for point in points
    ]


def text_at(dimension: Dimension, u: float) -> str:
    """The value at ``u`` in [0, 1) of the way through a dimension, as it is typed."""
    if not isinstance(dimension, Interval):
        return dimension.texts[int(u * len(dimension.texts))]
    low, high = dimension.low, dimension.high
    top = high + 1 if dimension.integer else high
    value = low * (top / low) ** u if dimension.log else low + u * (top - low)
    value = min(max(value, low), high)  # rounding may carry it over either end
    return str(math.floor(value)) if dimension.integer else repr(value)
