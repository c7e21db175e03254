"""Two pictures of a sweep: how its members learnt, and what each swept key did to the objective."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.objective import smaller_is_better
from runner.pictures.axes import (
    FEW,
    LABEL_LENGTH,
    name_values,
    number,
    scale_key,
    scale_objective,
    shortened,
)
from runner.pictures.figure import BEST, MEAN, MEMBER, NAMED, marks_of, new_figure
from runner.sweep.record import JobResult
from runner.sweep.report.table import SEED, mean, values_of


def learning_curves(
    results: Sequence[JobResult], best: JobResult, keys: Sequence[str], objective: str
) -> Figure:
    """The objective after each epoch, a line a member, the best one on top."""
    figure = new_figure(8, 5)
    axes = figure.add_subplot()
    others = [result for result in results if result.curve and result.job != best.job]
    named = len(others) <= FEW
    alpha = 1 if named else max(0.12, min(0.6, 40 / len(others)))
    for index, member in enumerate(others):
        color, label = (NAMED[index], name_of(member, keys)) if named else (MEMBER, None)
        draw_curve(axes, member, color=color, label=label, linewidth=1 if named else 0.7, alpha=alpha)
    draw_curve(axes, best, color=BEST, label=f"best: {name_of(best, keys)}", linewidth=2)
    if not named:
        axes.plot([], [], color=MEMBER, linewidth=1, label=f"{len(others)} others")
    epochs = max(len(member.curve) for member in [*others, best])
    axes.set_xlim(1 - 0.03 * epochs, epochs + 0.03 * epochs)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_ylabel(objective)
    scale_objective(axes, objective, [value for member in [*others, best] for value in member.curve])
    away_from_curves: Literal["upper right", "lower right"] = (
        "upper right" if smaller_is_better(objective) else "lower right"  # "best" would search for seconds
    )
    axes.legend(loc=away_from_curves, fontsize="small", edgecolor="none")
    return figure


def draw_curve(
    axes: Axes, member: JobResult, *, color: str, label: str | None, linewidth: float, alpha: float = 1
) -> None:
    """A member's line, with a gap where its objective is no finite number; of one epoch a point."""
    values = [value if math.isfinite(value) else math.nan for value in member.curve]
    axes.plot(
        range(1, len(values) + 1), values, color=color, label=label, linewidth=linewidth, alpha=alpha,
        marker="o" if len(values) == 1 else None,
    )  # fmt: skip


def swept_keys(results: Sequence[JobResult], best: JobResult, keys: Sequence[str], objective: str) -> Figure:
    """The final objective against each swept key's values, a panel a key; only jobs that went well."""
    columns = min(3, math.ceil(math.sqrt(len(keys))))
    rows = math.ceil(len(keys) / columns)
    figure = new_figure(max(4.5, 3.4 * columns), max(3.6, 2.9 * rows))
    finished = [result for result in results if result.status == "FINISHED"]
    for index, key in enumerate(keys):
        axes = figure.add_subplot(rows, columns, index + 1)
        points = points_of(finished, key)
        if points:
            panel(axes, key, points, points_of([best], key))
            scale_objective(axes, objective, [value for _, value in points])
        axes.set_xlabel(shortened(key))
        axes.set_ylabel(objective if index % columns == 0 else "")
    add_legend(figure)
    return figure


def add_legend(figure: Figure) -> None:
    """One legend for all panels, above them."""
    marks = marks_of(figure)
    legend = figure.legend(marks.values(), marks, loc="outside upper right", ncols=3, fontsize="small")
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def points_of(results: Sequence[JobResult], key: str) -> list[tuple[str, float]]:
    """A key's value, as typed, and the objective, of each job that has both."""
    return [
        (values[key], result.objective)
        for result in results
        if result.objective is not None and key in (values := values_of(result, [key]))
    ]


def panel(
    axes: Axes, key: str, points: Sequence[tuple[str, float]], best: Sequence[tuple[str, float]]
) -> None:
    """One key: a point a job, the best on top, and the mean of each value where values have several jobs."""
    texts = list(dict.fromkeys(text for text, _ in points))
    numbers = {text: value for text in texts if (value := number(text)) is not None}
    numeric = len(numbers) == len(texts)
    places = numbers if numeric else {text: float(index) for index, text in enumerate(texts)}
    at: dict[float, list[float]] = {}
    for text, value in points:
        at.setdefault(places[text], []).append(value)
    axes.plot(
        [places[text] for text, _ in points], [value for _, value in points], label="a job",
        linestyle="", marker="o", markersize=5 if len(points) < 100 else 3.5, markeredgewidth=0,
        color=MEMBER, alpha=max(0.2, min(0.8, 60 / len(points))),
    )  # fmt: skip
    if len(points) >= 2 * len(at):
        spots = sorted(at)
        axes.plot(
            spots, [mean(at[spot]) for spot in spots], label="mean",
            linestyle="-" if numeric and key != SEED else "", linewidth=0.8, color=MEAN,
            marker="_", markersize=16 if len(spots) <= FEW else 5, markeredgewidth=1.5,
        )  # fmt: skip
    for text, value in best:
        axes.plot(places[text], value, label="best", linestyle="", marker="o", color=BEST)
    axes.margins(x=0.1)
    if numeric:
        scale_key(axes, sorted(at))
    else:
        name_values(axes, texts)


def name_of(member: JobResult, keys: Sequence[str]) -> str:
    """What tells a member from others, short."""
    return in_short(values_of(member, keys)) or f"job {member.job}"


def in_short(values: Mapping[str, str]) -> str:
    """Keys and their values, by the keys' last names."""
    pairs = " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in values.items())
    return shortened(pairs, 2 * LABEL_LENGTH)
