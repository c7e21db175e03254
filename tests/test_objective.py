"""Which way a metric gets better."""

import math

from runner.objective import cost


def test_a_loss_is_made_small_and_anything_else_large() -> None:
    assert sorted([2.0, 1.0, 3.0], key=lambda value: cost("test/loss", value)) == [1, 2, 3]
    assert sorted([2.0, 1.0, 3.0], key=lambda value: cost("test/accuracy", value)) == [3, 2, 1]


def test_what_is_no_number_is_worst() -> None:
    assert cost("test/loss", math.nan) == cost("test/accuracy", math.nan) == math.inf
