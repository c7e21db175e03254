"""The mean and the standard deviation that values are standardised with."""

import numpy as np
import numpy.typing as npt

from runner.errors import DataError


def mean_and_std(what: str, values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The two of N finite numbers; the deviation of what never varies is 1.

    It counts as never varying if its deviation is no more than the rounding errors of its mean and its
    squares, as in scikit-learn's ``StandardScaler``: ten times 0.1 has a deviation of 1.4e-17.

    Args:
        what: is in the message.
        values: ``[N]``.

    Raises:
        DataError: if they are so large that they have none in float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean, variance = float(values.mean()), float(values.var())
    if not np.isfinite(variance) or not np.isfinite(mean):
        largest = values[np.abs(values).argmax()]
        raise DataError(f"{what}: its largest value, {largest:g}, is too large for a standard deviation")
    rounding = len(values) * np.finfo(np.float64).eps
    is_constant = variance <= rounding * variance + (rounding * mean) ** 2
    return mean, 1.0 if is_constant else float(np.sqrt(variance))
