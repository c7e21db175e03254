"""What is predicted against what is true, of a regression."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.pictures.axes import shortened
from runner.pictures.figure import BEST, MEMBER, new_figure

PANELS, POINTS = 6, 2000
"""Targets that have a panel each, more share one; points up to which each is drawn."""

Values = npt.NDArray[np.float64]


def predicted_against_true(predicted: Values, true: Values, names: Sequence[str], title: str) -> Figure:
    """A panel a target, a point a sample, on the diagonal where the prediction is right.

    Args:
        predicted: values ``[N, D]``.
        true: likewise.
        names: of the D targets.
        title: what they are samples of.
    """
    if len(names) > PANELS:
        predicted, true, names = predicted.reshape(-1, 1), true.reshape(-1, 1), ["value"]
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = new_figure(max(4.6, 3.6 * columns), 0.4 + max(4.2 if rows == 1 else 0, 3.5 * rows))
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        panel(axes, predicted[:, place], true[:, place])
        axes.set_xlabel(f"true {shortened(name)}")
        axes.set_ylabel("predicted" if place % columns == 0 else "")
    if len(names) == 1:
        axes.set_title(title, fontsize="medium")
    else:
        figure.suptitle(title, fontsize="medium")
    return figure


def panel(axes: Axes, predicted: Values, true: Values) -> None:
    """One target: points, or how many there are where they would cover each other."""
    finite = np.isfinite(predicted) & np.isfinite(true)
    predicted, true = predicted[finite], true[finite]
    low, high = (
        (min(true.min(), predicted.min()), max(true.max(), predicted.max())) if finite.any() else (0.0, 1.0)
    )
    margin = 0.04 * (high - low) or 1.0
    ends = (low - margin, high + margin)
    if len(true) > POINTS:
        drawn = axes.hexbin(
            true, predicted, gridsize=50, extent=(*ends, *ends), bins="log", mincnt=1, cmap="Blues",
            linewidths=0.1,
        )  # fmt: skip
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02)
        bar.set_label("values", fontsize="small")
    else:
        axes.plot(
            true, predicted, linestyle="", marker="o", markersize=4, markeredgewidth=0, color=MEMBER,
            alpha=max(0.25, min(0.8, 150 / max(len(true), 1))),
        )  # fmt: skip
    axes.plot(ends, ends, color=BEST, linewidth=0.8, label="predicted = true")
    axes.set_xlim(ends)
    axes.set_ylim(ends)
    axes.set_aspect("equal")
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize="small")
    axes.legend(loc="upper left", fontsize="small", edgecolor="none")
