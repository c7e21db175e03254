"""Curves over seeds: the mean of each setting, in a band as wide as the standard deviation."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.pictures.axes import FEW, scale_objective
from runner.pictures.figure import BEST, NAMED, new_figure

Curves = Sequence[Sequence[float]]
"""The objective after each epoch, a row a seed; they may be of different lengths."""


def seeds(settings: Mapping[str, Curves], objective: str) -> Figure:
    """The mean over the seeds after each epoch, and one standard deviation (n - 1) above and below it.

    Args:
        settings: of each its curves, the best setting first. Of many, the first are shown.
        objective: what the curves are of.
    """
    figure = new_figure(8.5, 4.6)
    axes = figure.add_subplot()
    shown = list(settings.items())[: FEW + 1]
    drawn = [
        draw_band(axes, curves, f"{name} ({len(curves)})", color)
        for (name, curves), color in zip(shown, (BEST, *NAMED), strict=False)
    ]
    epochs = max(map(len, drawn))
    axes.set_xlim(1 - 0.03 * epochs, epochs + 0.03 * epochs)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_ylabel(objective)
    scale_objective(axes, objective, [float(value) for mean in drawn for value in mean])
    rest = f", the best {len(shown)} of {len(settings)} settings" if len(shown) < len(settings) else ""
    axes.set_title(f"mean ± standard deviation over seeds{rest}", fontsize="medium")
    figure.legend(
        loc="outside right upper", title="setting (seeds)", alignment="left", title_fontsize="small",
        fontsize="small", edgecolor="none",
    )  # fmt: skip
    return figure


def draw_band(axes: Axes, curves: Curves, label: str, color: str) -> npt.NDArray[np.float64]:
    """One setting; of a single epoch a bar. Returns the means."""
    columns = [over_seeds(curves, epoch) for epoch in range(max(map(len, curves)))]
    means, deviations = (np.array(column, np.float64) for column in zip(*columns, strict=True))
    epochs = np.arange(1, len(means) + 1)
    if len(means) == 1:
        axes.errorbar(epochs, means, deviations, color=color, label=label, marker="o", capsize=4)
        return means
    axes.plot(epochs, means, color=color, label=label, linewidth=1.5)
    axes.fill_between(epochs, means - deviations, means + deviations, color=color, alpha=0.18, linewidth=0)
    return means


def over_seeds(curves: Curves, epoch: int) -> tuple[float, float]:
    """Mean and standard deviation after an epoch over those that got there; no deviation of one alone."""
    values = [curve[epoch] for curve in curves if len(curve) > epoch and math.isfinite(curve[epoch])]
    if not values:
        return math.nan, math.nan
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
