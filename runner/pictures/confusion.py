"""Which classes are taken for which."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.pictures.axes import shortened
from runner.pictures.figure import MEAN, new_figure

COUNTED, NAMED_CLASSES = 16, 40
"""So many classes at most have their counts written down; of more than so many only some have their names."""

NAME_LENGTH = 16


def confusion_matrix(counts: npt.NDArray[np.int64], names: Sequence[str], part: str) -> Figure:
    """A heat map: a row a class, shaded by the share of its samples that is taken for each class.

    Args:
        counts: of each class (rows) how many are taken for each (columns), ``[C, C]``.
        names: of the classes.
        part: of the data that the samples are of.
    """
    size = len(counts)
    side = min(8.5, max(3.6, 1.8 + 0.48 * size))
    figure = new_figure(side + 0.8, side)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    name_classes(axes, names)
    if size <= COUNTED:
        write_counts(axes, counts, shares)
    else:
        bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
        bar.set_label("share of the class", fontsize="small")
        bar.ax.tick_params(labelsize="small")
    axes.set_xlabel("taken for")
    axes.set_ylabel("class")
    total, right = int(counts.sum()), int(np.trace(counts))
    axes.set_title(f"{part}: {right:,} of {total:,} right, {right / max(total, 1):.2%}", fontsize="medium")
    return figure


def name_classes(axes: Axes, names: Sequence[str]) -> None:
    """The classes' names on both axes, upright below where they are long; of very many, some."""
    every = 1 if len(names) <= NAMED_CLASSES else -(-len(names) // 20)
    places = range(0, len(names), every)
    shown = [shortened(names[place], NAME_LENGTH) for place in places]
    is_long = max(map(len, shown)) * len(shown) > 60
    axes.set_xticks(places, shown, rotation=90 if is_long else 0, fontsize="small")
    axes.set_yticks(places, shown, fontsize="small")


def write_counts(axes: Axes, counts: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]) -> None:
    """The numbers themselves; nothing where there is none."""
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.text(
            column, row, f"{counts[row, column]}", ha="center", va="center", fontsize="small",
            color="white" if shares[row, column] > 0.5 else MEAN,
        )  # fmt: skip
