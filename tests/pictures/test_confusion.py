"""The confusion matrix says by numbers and shades what is taken for what."""

import numpy as np
import numpy.typing as npt

from runner.pictures.confusion import COUNTED, confusion_matrix
from runner.pictures.figure import as_png

COUNTS = np.array([[9, 1, 0], [0, 5, 5], [0, 0, 0]])


def test_few_classes_have_their_counts_and_names() -> None:
    (axes,) = confusion_matrix(COUNTS, ["cat", "dog", "eel"], "test").axes
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "9"), ((1, 0), "1"), ((1, 1), "5"), ((2, 1), "5"),
    }  # fmt: skip
    assert [text.get_text() for text in axes.get_yticklabels()] == ["cat", "dog", "eel"]
    assert axes.get_title() == "test: 14 of 20 right, 70.00%"


def test_shades_are_shares_of_a_class_and_one_without_samples_has_none() -> None:
    (axes,) = confusion_matrix(COUNTS, ["cat", "dog", "eel"], "test").axes
    shades: npt.NDArray[np.float64] = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(shades, np.array([[0.9, 0.1, 0], [0, 0.5, 0.5], [0, 0, 0]]))


def test_many_classes_have_shades_alone_and_some_of_the_names() -> None:
    size = 100
    assert size > COUNTED
    figure = confusion_matrix(np.eye(size, dtype=np.int64), [str(n) for n in range(size)], "test")
    axes, bar = figure.axes
    assert not axes.texts
    assert len(axes.get_xticks()) == 20
    assert bar.get_ylabel() == "share of the class"
    assert len(as_png(figure)) < 40_000


def test_a_long_name_is_shortened_and_a_dollar_is_no_formula() -> None:
    names = ["$100", "a name that is much too long for an axis", "eel"]
    (axes,) = confusion_matrix(COUNTS, names, "test").axes
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert shown[0] == r"\$100"
    assert len(shown[1]) <= 16
