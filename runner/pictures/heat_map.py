"""Heat maps: what two numeric keys together make of the objective."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from runner.objective import cost
from runner.pictures.axes import scale_key, scale_objective, shortened
from runner.pictures.colours import colours_of, direction, normed
from runner.pictures.figure import BEST, new_figure

SIDE, WRITTEN = 24, 64
"""A map has so many rows and columns at most, and its numbers are written into so many cells."""

FULL = 0.5
"""The share of a map's cells that have jobs; below it the jobs are shown as dots."""


@dataclass(frozen=True)
class Pair:
    """Two keys.

    Attributes:
        names: of the keys.
        points: of each job the keys' values.
    """

    names: tuple[str, str]
    points: Sequence[tuple[float, float]]


def heat_maps(pairs: Sequence[Pair], objective: str, values: Sequence[float | None]) -> Figure:
    """A map a pair, coloured by the mean of the jobs in each cell; where few cells have jobs, a dot a job.

    Args:
        pairs: one at least.
        objective: what the jobs are judged by.
        values: the jobs' objectives; None if one has come to none. One at least is finite.
    """
    told = [math.nan if value is None or not math.isfinite(value) else value for value in values]
    figure = new_figure(1.2 + 4.6 * len(pairs), 4.3)
    maps = [cells_of(pair, told) for pair in pairs]
    shown = [value for cells in maps for value in cells.values() if not math.isnan(value)]
    colours, norm = colours_of(objective), normed(objective, shown)
    for place, (pair, cells) in enumerate(zip(pairs, maps, strict=True)):
        axes = figure.add_subplot(1, len(pairs), place + 1)
        if is_map(cells):
            draw_map(axes, cells, colours, norm, objective)
        else:
            draw_dots(axes, cells, colours, norm, objective)
        axes.set_xlabel(shortened(pair.names[0]))
        axes.set_ylabel(shortened(pair.names[1]))
        axes.tick_params(labelsize="small")
    bar = figure.colorbar(ScalarMappable(norm, colours), ax=figure.axes, pad=0.02)
    scale_objective(bar.ax, objective, shown)
    bar.ax.grid(visible=False)
    bar.set_label(f"{objective}, {direction(objective)}")
    return figure


Cells = dict[tuple[float, float], float]
"""The mean objective of the jobs at each pair of values; NaN if none has a number."""


def cells_of(pair: Pair, told: Sequence[float]) -> Cells:
    """The means."""
    jobs: dict[tuple[float, float], list[float]] = {}
    for point, value in zip(pair.points, told, strict=True):
        jobs.setdefault(point, []).append(value)
    finite = {point: [v for v in values if not math.isnan(v)] for point, values in jobs.items()}
    return {point: float(np.mean(values)) if values else math.nan for point, values in finite.items()}


def is_map(cells: Cells) -> bool:
    """Whether rows and columns are few, and mostly filled."""
    columns, rows = len({x for x, _ in cells}), len({y for _, y in cells})
    return max(columns, rows) <= SIDE and len(cells) >= FULL * columns * rows


def draw_map(axes: Axes, cells: Cells, colours: Colormap, norm: Normalize, objective: str) -> None:
    """Rows and columns at the same distance, however far their values are; the best is framed."""
    across, up = sorted({x for x, _ in cells}), sorted({y for _, y in cells})
    means = np.full((len(up), len(across)), math.nan)
    for (x, y), value in cells.items():
        means[up.index(y), across.index(x)] = value
    axes.imshow(means, cmap=colours, norm=norm, origin="lower", aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(across)), [f"{x:g}" for x in across], rotation=0 if len(across) <= 7 else 60)
    axes.set_yticks(range(len(up)), [f"{y:g}" for y in up])
    best = min(cells, key=lambda point: cost(objective, cells[point]))
    corner = across.index(best[0]) - 0.5, up.index(best[1]) - 0.5
    axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=BEST, linewidth=2.5))
    if means.size > WRITTEN:
        return
    for (x, y), value in cells.items():
        light = np.dot(colours(norm(value))[:3], (0.299, 0.587, 0.114)) > 0.55 or math.isnan(value)
        axes.text(
            across.index(x), up.index(y), "failed" if math.isnan(value) else f"{value:.3g}",
            ha="center", va="center", fontsize="small", color="black" if light else "white",
        )  # fmt: skip


def draw_dots(axes: Axes, cells: Cells, colours: Colormap, norm: Normalize, objective: str) -> None:
    """A dot a job, to scale, the best on top and ringed; a cross where there is no number."""
    told = {point: value for point, value in cells.items() if not math.isnan(value)}
    worst_first = sorted(told, key=lambda point: -cost(objective, told[point]))
    without = [point for point in cells if point not in told]
    across, up = [x for x, _ in without], [y for _, y in without]
    axes.scatter(across, up, marker="x", s=20, color="grey", linewidths=0.8)
    across, up = [x for x, _ in worst_first], [y for _, y in worst_first]
    values = [told[point] for point in worst_first]
    size = 60 if len(values) < 100 else 18
    axes.scatter(across, up, c=values, cmap=colours, norm=norm, s=size, linewidths=0)
    axes.scatter(
        across[-1:], up[-1:], c=values[-1:], cmap=colours, norm=norm, s=2 * size, edgecolors=BEST,
        linewidths=2,
    )  # fmt: skip
    scale_key(axes, sorted({x for x, _ in cells}), "x")
    scale_key(axes, sorted({y for _, y in cells}), "y")
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
