"""Predicted values stand against the true ones."""

import numpy as np

from runner.pictures.figure import as_png
from runner.pictures.predicted import POINTS, predicted_against_true

GENERATOR = np.random.default_rng(0)


def test_each_sample_is_a_point_and_the_diagonal_is_what_is_right() -> None:
    true = np.array([[1.0], [2.0], [4.0]])
    (axes,) = predicted_against_true(true + 0.5, true, ["price"], "test: 3 samples").axes
    points, diagonal = axes.lines
    assert np.asarray(points.get_xdata()).tolist() == [1, 2, 4]
    assert np.asarray(points.get_ydata()).tolist() == [1.5, 2.5, 4.5]
    assert np.asarray(diagonal.get_xdata()).tolist() == np.asarray(diagonal.get_ydata()).tolist()
    assert (axes.get_xlabel(), axes.get_title()) == ("true price", "test: 3 samples")
    assert axes.get_xlim() == axes.get_ylim()


def test_a_few_targets_have_a_panel_each_and_many_share_one() -> None:
    values = GENERATOR.random((20, 4))
    assert len(predicted_against_true(values, values, ["a", "b", "c", "d"], "test").axes) == 4
    values = GENERATOR.random((20, 64))
    (axes,) = predicted_against_true(values, values, [str(n) for n in range(64)], "test").axes
    assert len(np.asarray(axes.lines[0].get_xdata())) == 20 * 64


def test_very_many_samples_are_counted_in_cells() -> None:
    true = GENERATOR.random((10 * POINTS, 1))
    figure = predicted_against_true(true + 0.1 * GENERATOR.random(true.shape), true, ["value"], "test")
    axes = figure.axes[0]
    assert np.sum(np.asarray(axes.collections[0].get_array())) == len(true)
    assert len(as_png(figure)) < 30_000


def test_what_is_no_number_is_left_out() -> None:
    true = np.array([[1.0], [2.0]])
    (axes,) = predicted_against_true(np.array([[np.inf], [2.0]]), true, ["value"], "test").axes
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == [2]
    assert predicted_against_true(np.full((2, 1), np.nan), true, ["value"], "test").axes
