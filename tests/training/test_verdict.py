"""When training stops, and which epoch was best."""

import math
from typing import Any

import pytest

from runner.config.schema import Train
from runner.training.loop import Epoch
from runner.training.verdict import best, diverged, divergence, is_best, kept, stops
from tests.sweep.composed import jobs_of


def epochs(losses: list[float], seconds: float = 1.0) -> list[Epoch]:
    """Epochs whose losses are told; the accuracy is what is missing to 1."""
    return [
        Epoch(
            number,
            {
                "train/loss": loss,
                "test/loss": loss,
                "test/accuracy": 1 - loss,
                "lr": 0.1,
                "time/epoch_seconds": seconds,
            },
        )
        for number, loss in enumerate(losses, 1)
    ]


def train(**changed: Any) -> Train:
    """The default settings but for some."""
    given = jobs_of([""])[0].config.train.model_dump()
    given["early_stopping"] |= changed.pop("early_stopping", {})
    return Train(**{**given, **changed})


def after(losses: list[float], settings: Train, objective: str = "test/loss") -> int | None:
    """After which epoch training stops."""
    reasons = [stops(epochs(losses[:count]), settings, objective) for count in range(1, len(losses) + 1)]
    return next((count for count, reason in enumerate(reasons, 1) if reason), None)


def test_training_goes_on_unless_something_else_is_said() -> None:
    assert after([0.5] * 30, train()) is None


@pytest.mark.parametrize(
    ("stopping", "expected"),
    [
        ({"patience": 2}, 6),
        ({"patience": 3}, None),
        ({"patience": 1}, 3),
        ({"patience": 2, "min_delta": 0.15}, 3),
        ({"patience": 2, "metric": "test/accuracy"}, 6),
    ],
)
def test_training_stops_when_nothing_improves(stopping: dict[str, Any], expected: int | None) -> None:
    losses = [0.5, 0.4, 0.45, 0.3, 0.3, 0.35, 0.29]
    assert after(losses, train(early_stopping=stopping)) == expected


def test_the_reason_names_metric_and_patience() -> None:
    settings = train(early_stopping={"patience": 2})
    assert stops(epochs([0.1, 0.2, 0.3]), settings, "test/loss") == "test/loss has not improved for 2 epochs"


def test_training_stops_when_its_time_is_over() -> None:
    assert after([0.5, 0.4, 0.3, 0.2], train(max_time=2.5)) == 3
    reason = stops(epochs([0.5] * 3), train(max_time=2.5), "test/loss")
    assert reason == "it has trained for 3 s, train.max_time is 2.5"


def test_the_best_epoch_is_the_first_of_the_best() -> None:
    some = epochs([0.5, 0.2, 0.4, 0.2])
    assert best(some, "test/loss") == {
        "best/epoch": 2, "best/test/loss": 0.2, "best/test/accuracy": 0.8,
    }  # fmt: skip
    assert [is_best(some[:count], "test/loss") for count in range(1, 5)] == [True, True, False, False]
    assert [is_best(some[:count], "test/accuracy") for count in range(1, 5)] == [True, True, False, False]


def test_the_epoch_that_is_kept_is_the_last_or_the_best() -> None:
    some = epochs([0.5, 0.2, 0.4, 0.2])
    assert kept(some, train(), "test/loss").number == 4
    assert kept(some, train(restore_best=True), "test/loss").number == 2


def test_a_loss_that_is_no_number_is_a_divergence() -> None:
    last = epochs([0.5, math.nan])[-1]
    assert divergence(last) == "train/loss is nan"
    assert divergence(epochs([0.5])[-1]) is None
    told = str(diverged(last, "train/loss is nan", "step 3 of 9: the loss is no finite number", 0.3))
    assert told == (
        "epoch 2: train/loss is nan (step 3 of 9: the loss is no finite number). "
        "A smaller optim.lr (0.3 now) or another initialiser may help"
    )


def test_a_parameter_that_is_no_number_is_a_divergence() -> None:
    assert divergence(Epoch(1, {"train/loss": 0.5}, is_finite=False)) == "a parameter is no finite number"


def test_where_such_updates_are_left_out_a_batch_may_have_any_loss() -> None:
    assert divergence(Epoch(1, {"train/loss": math.nan, "test/loss": 0.5}), "skip") is None
    assert divergence(Epoch(1, {"train/loss": 0.5, "test/loss": math.nan}), "skip") == "test/loss is nan"
