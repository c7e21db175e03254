"""Which way a metric gets better."""

import math

import pytest

from runner.objective import cost, smaller_is_better


def test_a_loss_is_made_small_and_anything_else_large() -> None:
    assert sorted([2.0, 1.0, 3.0], key=lambda value: cost("test/loss", value)) == [1, 2, 3]
    assert sorted([2.0, 1.0, 3.0], key=lambda value: cost("test/accuracy", value)) == [3, 2, 1]


@pytest.mark.parametrize(
    "name", ["test/rmse", "val/mae", "best/test/perplexity", "final/train_loss", "test/my_error"]
)
def test_errors_are_made_small(name: str) -> None:
    assert smaller_is_better(name)


@pytest.mark.parametrize("name", ["test/f1_macro", "val/r2", "best/test/auroc", "test/top_5"])
def test_scores_are_made_large(name: str) -> None:
    assert not smaller_is_better(name)


def test_what_is_no_number_is_worst() -> None:
    assert cost("test/loss", math.nan) == cost("test/accuracy", math.nan) == math.inf
