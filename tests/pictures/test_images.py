"""Images stand in rows, each with what is said of it."""

import numpy as np
import pytest

from runner.pictures.figure import as_png
from runner.pictures.images import mistakes, reconstructions, shown


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mistake_has_a_line_for_what_it_is_and_one_for_what_it_was_taken_for(channels: int) -> None:
    images = np.random.default_rng(0).random((8, channels, 12, 10), dtype=np.float32)
    figure = mistakes(images, [(f"is {n}", "taken for 9, 99.0%") for n in range(8)], "test: 8 mistakes")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts][7] == "is 7\ntaken for 9, 99.0%"
    paper = axes.images[0].get_array()
    assert paper is not None
    below = (paper.shape[0] - 2 * 12) // 2
    np.testing.assert_array_equal(
        paper[12 + below : 24 + below, 11:21], images[7].transpose(1, 2, 0).squeeze()
    )
    assert as_png(figure).startswith(b"\x89PNG")


def test_a_reconstruction_stands_below_its_sample() -> None:
    inputs = np.zeros((3, 1, 4, 4), np.float32)
    inputs[:, :, 1:3] = 1
    (axes,) = reconstructions(inputs, np.full_like(inputs, 0.25), "test").axes
    paper = axes.images[0].get_array()
    assert paper is not None
    np.testing.assert_array_equal(paper[:4, :4], inputs[0, 0])
    assert (paper[5:9, :4] == 0.25).all()
    assert [text.get_text() for text in axes.get_yticklabels()] == ["input", "output"]


def test_images_of_another_range_are_fitted_into_what_is_shown() -> None:
    images = shown(np.array([-1.0, 0.0, 1.0, 3.0], np.float32).reshape(1, 1, 2, 2))
    assert images.flatten().tolist() == [0, 0.25, 0.5, 1]
    assert shown(np.full((1, 1, 2, 2), 0.5, np.float32)).max() == 0.5, "pixels in [0, 1] are as they are"
