"""Learning curves show every metric of every part, and the best epoch."""

import math

import numpy as np

from runner.pictures.figure import as_png
from runner.pictures.learning_curves import kinds_in, learning_curves

EPOCHS = [
    {
        "lr": 0.1,
        "train/loss": 2.0,
        "train/accuracy": 0.5,
        "test/loss": 2.5,
        "test/accuracy": 0.4,
        "test/f1": 0.3,
    },
    {
        "lr": 0.1,
        "train/loss": 1.0,
        "train/accuracy": 0.8,
        "test/loss": 1.5,
        "test/accuracy": 0.7,
        "test/f1": 0.6,
    },
    {
        "lr": 0.1,
        "train/loss": 0.5,
        "train/accuracy": 0.9,
        "test/loss": 1.8,
        "test/accuracy": 0.6,
        "test/f1": 0.5,
    },
]


def test_there_is_a_panel_a_metric_and_a_line_a_part() -> None:
    figure = learning_curves(EPOCHS, 2, "test/loss")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "f1"]
    loss, _, f1 = figure.axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in loss.lines}
    assert (lines["train"], lines["test"]) == ([2.0, 1.0, 0.5], [2.5, 1.5, 1.8])
    assert "train" not in {str(line.get_label()) for line in f1.lines}


def test_the_best_epoch_is_marked_in_each_panel_and_named() -> None:
    figure = learning_curves(EPOCHS, 2, "test/loss")
    for axes in figure.axes:
        (mark,) = [line for line in axes.lines if str(line.get_label()).startswith("best")]
        assert np.asarray(mark.get_xdata()).tolist() == [2, 2]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["train", "test", "best test/loss: epoch 2"]


def test_what_is_no_number_is_a_gap() -> None:
    figure = learning_curves([*EPOCHS[:2], {**EPOCHS[2], "train/loss": math.inf}], 2, "test/loss")
    (train, *_) = figure.axes[0].lines
    assert math.isnan(np.asarray(train.get_ydata())[2])
    assert len(as_png(figure)) > 1000


def test_one_epoch_is_a_point() -> None:
    (train, *_) = learning_curves(EPOCHS[:1], 1, "test/loss").axes[0].lines
    assert train.get_marker() == "o"


def test_a_thousand_epochs_are_a_small_file() -> None:
    epochs = [{name: value / (1 + n / 50) for name, value in EPOCHS[0].items()} for n in range(1000)]
    assert len(as_png(learning_curves(epochs, 1000, "test/loss"))) < 60_000


def test_the_loss_comes_first_and_what_is_of_no_part_not_at_all() -> None:
    assert kinds_in({"lr": 1.0, "test/mae": 1.0, "train/loss": 1.0, "time/epoch_seconds": 1.0}) == [
        "loss",
        "mae",
    ]
