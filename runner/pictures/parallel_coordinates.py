"""Parallel coordinates: an upright axis a key and one for the objective, a line a job through its values."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from runner.objective import cost, smaller_is_better
from runner.pictures.axes import shortened
from runner.pictures.colours import colours_of, direction
from runner.pictures.figure import BEST, MEAN, new_figure
from runner.pictures.uprights import Upright, of_key, of_objective

NOTHING = "—"
"""The value of a key that a job does not name."""

Places = npt.NDArray[np.float64]
"""``[jobs]``, where the jobs' lines cross one axis."""

Heights = npt.NDArray[np.float64]
"""``[jobs, axes]``, where the jobs' lines cross the axes; NaN where a line has ended."""


def parallel_coordinates(
    keys: Mapping[str, Sequence[str | None]], objective: str, values: Sequence[float | None]
) -> Figure:
    """A line a job, the darker the better, the best on top; of a job without a number to the last key only.

    Args:
        keys: of each its values as typed, one a job.
        objective: what the jobs are judged by.
        values: the jobs' objectives; None if one has come to none. One at least is finite.
    """
    told = [math.nan if value is None or not math.isfinite(value) else value for value in values]
    finite = [value for value in told if not math.isnan(value)]
    uprights = [of_key([text or NOTHING for text in typed]) for typed in keys.values()]
    last = of_objective(objective, finite)
    columns = [
        fanned(np.array([upright.places[text or NOTHING] for text in typed]), upright.fan, told)
        for upright, typed in zip(uprights, keys.values(), strict=True)
    ]
    columns.append(np.array([last.places.get(repr(value), math.nan) for value in told]))
    figure = new_figure(min(16, max(5.5, 2 + 1.7 * len(keys))), 4.6)
    axes = figure.add_subplot()
    best_first = sorted(range(len(told)), key=lambda job: cost(objective, told[job]))
    draw_lines(axes, np.array(columns).T, best_first[: len(finite)], best_first[len(finite) :], objective)
    for place, upright in enumerate([*uprights, last]):
        draw_axis(axes, place, upright)
    names = [*map(shortened, keys), f"{objective}\n{direction(objective)}"]
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(bottom=False)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.35, len(keys) + 0.3)
    axes.set_ylim(-0.04, 1.04)
    figure.legend(loc="outside upper right", ncols=3, fontsize="small", edgecolor="none")
    return figure


def fanned(places: Places, fan: float, told: Sequence[float]) -> Places:
    """The places with lines through the same one beside each other, in the objective's order."""
    ascending = np.lexsort([np.array(told), places])  # by place, then by objective, what has none last
    spots, first, counts = np.unique(places[ascending], return_index=True, return_counts=True)
    apart = places.copy()
    for spot, start, count in zip(spots, first, counts, strict=True):
        apart[ascending[start : start + count]] = spot + fan * ((np.arange(count) + 0.5) / count - 0.5)
    return apart


def draw_lines(
    axes: Axes, heights: Heights, best_first: Sequence[int], without: Sequence[int], objective: str
) -> None:
    """The jobs' lines, the best on top, and of those without a number what there is."""
    across = np.arange(heights.shape[1])
    lines = [np.column_stack([across, heights[job]]) for job in best_first]
    from_dark = np.linspace(0, 1, len(lines))
    shades = colours_of(objective)(from_dark if smaller_is_better(objective) else 1 - from_dark)
    alpha = max(0.3, min(0.9, 60 / len(lines)))
    if worst_first := lines[:0:-1]:
        axes.add_collection(
            LineCollection(
                worst_first, colors=shades[:0:-1], linewidths=1.1, alpha=alpha,
                label="a job, the darker the better",
            )
        )  # fmt: skip
    if without:
        ends = [np.column_stack([across[:-1], heights[job, :-1]]) for job in without]
        label = f"{len(ends)} without a number"
        axes.add_collection(
            LineCollection(ends, colors=MEAN, linewidths=0.9, linestyles=":", alpha=alpha, label=label)
        )
    axes.plot(*lines[0].T, color=BEST, linewidth=2.2, label="the best", zorder=4)


def draw_axis(axes: Axes, place: int, upright: Upright) -> None:
    """An upright line and what is written beside it."""
    axes.axvline(place, 0.04, 0.96, color=MEAN, linewidth=0.8, zorder=3)
    for height, text in upright.ticks.items():
        low, high = height - upright.fan / 2, height + upright.fan / 2
        axes.plot([place, place], [low, high], color=MEAN, linewidth=7, alpha=0.2, solid_capstyle="butt")
        axes.text(
            place - 0.06, height, text, ha="right", va="center", fontsize="small", zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1},
        )  # fmt: skip
