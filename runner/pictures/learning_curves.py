"""How a run has learnt: each metric after each epoch, of what is learnt from and what is only looked at."""

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.pictures.axes import scale_objective
from runner.pictures.figure import BEST, MEAN, MEMBER, NAMED, marks_of, new_figure

PARTS = {"train": MEMBER, "val": NAMED[3], "test": MEAN}
"""The parts of the data that metrics are of, each with its colour."""


def learning_curves(epochs: Sequence[Mapping[str, float]], best: int, objective: str) -> Figure:
    """A panel a metric, a line a part of the data.

    Args:
        epochs: what was measured after each, by names as ``test/loss``.
        best: the number of the best epoch, 1 for the first.
        objective: the metric that says so.
    """
    kinds = kinds_in(epochs[-1])
    columns = min(len(kinds), 2 if len(kinds) in (2, 4) else 3)
    rows = math.ceil(len(kinds) / columns)
    figure = new_figure(max(5.5, 4.4 * columns), 3.4 * rows)
    for place, kind in enumerate(kinds):
        axes = figure.add_subplot(rows, columns, place + 1)
        panel(axes, kind, epochs, best, objective)
        if place >= len(kinds) - columns:
            axes.set_xlabel("epoch")
    add_legend(figure)
    return figure


def add_legend(figure: Figure) -> None:
    """One legend for all panels, above them."""
    marks = marks_of(figure)
    figure.legend(
        marks.values(), marks, loc="outside upper right", ncols=len(marks), fontsize="small", edgecolor="none"
    )


def kinds_in(metrics: Mapping[str, float]) -> list[str]:
    """What is measured of the parts: ``loss`` first."""
    kinds = dict.fromkeys(name.partition("/")[2] for name in metrics if name.partition("/")[0] in PARTS)
    return sorted(kinds, key=lambda kind: kind != "loss")


def panel(axes: Axes, kind: str, epochs: Sequence[Mapping[str, float]], best: int, objective: str) -> None:
    """One metric: its lines, and where the best epoch is."""
    numbers, shown = range(1, len(epochs) + 1), []
    for part, color in PARTS.items():
        name = f"{part}/{kind}"
        if name not in epochs[-1]:
            continue
        values = [
            value if math.isfinite(value := epoch.get(name, math.nan)) else math.nan for epoch in epochs
        ]
        shown += [value for value in values if not math.isnan(value)]
        marker = "o" if len(values) == 1 else None
        axes.plot(numbers, values, color=color, label=part, linewidth=1.3, marker=marker, markersize=4)
        if name == objective:
            axes.plot(best, values[best - 1], color=BEST, marker="o", linestyle="", zorder=3)
    axes.axvline(best, color=BEST, linewidth=0.8, linestyle=":", label=f"best {objective}: epoch {best}")
    axes.set_title(kind, fontsize="medium")
    axes.set_xlim(1 - 0.03 * len(epochs), len(epochs) + 0.03 * len(epochs))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    scale_objective(axes, kind, shown)
