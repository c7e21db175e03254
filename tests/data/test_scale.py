"""Means and deviations are scikit-learn's, also of what hardly varies."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from runner.data.scale import mean_and_std
from runner.data.table import Numeric
from runner.data.units import Units
from runner.errors import DataError


@pytest.mark.parametrize(
    "values",
    [
        [0.1] * 10,
        [0.1] * 999 + [0.1 + 1e-17],
        [1e9 + 0.1] * 7,
        [1e9, 1e9 + 1e-7] * 5,
        [1e9, 1e9 + 1] * 5,
        [1e-20, 3e-20],
        [1.0, 2.0, 4.0],
        [0.0, 0.0],
    ],
)
def test_a_deviation_below_the_rounding_error_of_the_mean_is_none(values: list[float]) -> None:
    column = np.array(values)
    scaler = StandardScaler().fit(column[:, None])
    mean, std = mean_and_std("a", column)
    np.testing.assert_allclose([mean, std], [scaler.mean_[0], scaler.scale_[0]], rtol=1e-12)
    units = Units.fit(torch.from_numpy(column)[:, None])
    np.testing.assert_allclose([*units.mean, *units.std], [mean, std], rtol=1e-12)


def test_a_constant_column_does_not_explode_for_a_value_that_differs() -> None:
    column = Numeric.fit("a", [0.1] * 10)
    assert column.std == 1.0
    np.testing.assert_allclose(column.transform([0.1001]), [[0.0001]], rtol=1e-9)


@pytest.mark.parametrize("largest", [1e308, -1e308, 1e200])
def test_a_value_without_a_finite_deviation_is_refused_by_name(largest: float) -> None:
    with pytest.raises(DataError, match=r"column 'a': its largest value, -?1e\+\d+, is too large"):
        Numeric.fit("a", [1.0, 2.0, largest])
    with pytest.raises(DataError, match="the target: its largest value"):
        Units.fit(torch.tensor([[1.0], [largest]], dtype=torch.float64))


def test_a_value_too_far_from_what_was_learnt_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"column 'a': 1e\+308 is too far from the mean"):
        Numeric.fit("a", [1.0, 2.0]).transform([1.0, 1e308])
