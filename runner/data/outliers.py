"""Values so far from all others that, standardised, the others are hardly different."""

import numpy as np
import numpy.typing as npt

NEAR = 1e-6
"""Values that differ by less than this share of the standard deviation are hardly different."""

MOST = 0.9
"""The share of the values that has to be so near their median."""


def outlier(values: npt.NDArray[np.float64]) -> float | None:
    """The value farthest from the median of N known ones, if because of it most others are hardly different.

    None where they are not, or are the same anyway, as in a column that is 0 but for a few.
    """
    apart = np.abs(values - np.median(values))
    others = values[apart < NEAR * values.std()]
    if len(others) < MOST * len(values) or (others == others[0]).all():
        return None
    return float(values[apart.argmax()])


def are_near(scaled: npt.NDArray[np.float32]) -> bool:
    """Whether most of N standardised values are the same or hardly different."""
    return bool((np.abs(scaled - np.median(scaled)) < 2 * NEAR).mean() >= MOST)
