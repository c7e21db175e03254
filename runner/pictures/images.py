"""Images with a line below each, in rows."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.pictures.axes import shortened

COLUMNS = 6

SIDE, LINES, HEADING, MARGIN = 1.4, 0.42, 0.4, 0.1
"""Inches: the width of an image, the height of two lines below it, of the title, what is free at the edge."""

WORD = 0.6
"""The width of a word on the left."""

GAP = 1
"""Pixels between neighbours."""

Images = npt.NDArray[np.float32]
"""``[N, channels, height, width]``, one channel or three; of any range, which all of them share."""


def mistakes(images: Images, lines: Sequence[tuple[str, str]], title: str) -> Figure:
    """Samples that a model was sure of and wrong about.

    Args:
        images: the samples, the worst mistake first.
        lines: of each what it is, and what it was taken for with which probability.
        title: what they are samples of.
    """
    height, width = images.shape[2:]
    columns = min(COLUMNS, len(images))
    below = LINES / SIDE * width
    figure, axes = sheet(shown(images), columns, math.ceil(below), MARGIN, title)
    for place, both in enumerate(lines):
        row, column = divmod(place, columns)
        bottom = row * (height + math.ceil(below)) + height - 0.5
        axes.text(
            column * (width + GAP) + width / 2 - 0.5, bottom + 0.1 * below,
            "\n".join(shortened(line) for line in both), ha="center", va="top", fontsize="x-small",
        )  # fmt: skip
    return figure


def reconstructions(inputs: Images, outputs: Images, title: str) -> Figure:
    """Samples above, what a model makes of them below.

    Args:
        inputs: the samples.
        outputs: what comes out, in the same range.
        title: what they are samples of.
    """
    both = shown(np.concatenate([inputs, np.clip(outputs, inputs.min(), inputs.max())]))
    figure, axes = sheet(both, len(inputs), GAP, WORD, title)
    height = both.shape[1]
    axes.set_yticks([height / 2 - 0.5, height + GAP + height / 2 - 0.5], ["input", "output"])
    axes.tick_params(length=0, labelsize="small")
    return figure


def shown(images: Images) -> npt.NDArray[np.float32]:
    """Images as matplotlib takes them, ``[N, height, width, channels]``, between 0 and 1."""
    low, high = min(float(images.min()), 0.0), max(float(images.max()), 1.0)
    scaled: npt.NDArray[np.float32] = ((images - low) / (high - low)).transpose(0, 2, 3, 1)
    return scaled


def sheet(images: Images, columns: int, below: int, beside: float, title: str) -> tuple[Figure, Axes]:
    """Images ``[N, height, width, channels]`` in rows, as one: a panel each would take ten times as long.

    Args:
        images: between 0 and 1.
        columns: how many a row.
        below: pixels that are left free below each.
        beside: inches that are left free on both sides.
        title: of all.
    """
    count, height, width, channels = images.shape
    rows = math.ceil(count / columns)
    paper = np.ones((rows * (height + below), columns * (width + GAP) - GAP, channels), images.dtype)
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        paper[row * (height + below) :, column * (width + GAP) :][:height, :width] = image
    across = columns * SIDE
    down = across * paper.shape[0] / paper.shape[1]
    wide, high = max(across, 3 * SIDE) + 2 * beside, down + HEADING + MARGIN
    figure = Figure(figsize=(wide, high), dpi=100)  # laid out here, which takes no time
    axes = figure.add_axes((0.5 - across / wide / 2, MARGIN / high, across / wide, down / high))
    axes.imshow(paper, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize="medium")
    return figure, axes
