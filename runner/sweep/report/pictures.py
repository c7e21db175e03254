"""The pictures of a sweep, by their files' names, and what each needs to say something."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from runner.pictures.axes import number
from runner.pictures.heat_map import Pair, heat_maps
from runner.pictures.importance import importance as importance_bars
from runner.pictures.parallel_coordinates import parallel_coordinates
from runner.pictures.seeds import seeds as seed_bands
from runner.sweep.report import plots
from runner.sweep.report.importance import Importance, importance_of
from runner.sweep.report.report import Report
from runner.sweep.report.table import SEED, over_seeds, values_of

MAPS = 3
"""Heat maps in the picture, of the pairs with most influence."""

ENOUGH = 16
"""Jobs below which a forest tells nothing."""

LEVELS = 4
"""The groups of values by which a key's influence is judged."""


class NothingToDraw(Exception):  # noqa: N818 (no error: the picture is left out)
    """What a picture lacks to say something; the message says what."""


def learning_curves(report: Report) -> Figure:
    """How the jobs have learnt."""
    assert report.best is not None
    return plots.learning_curves(report.results, report.best, report.keys, report.objective)


def swept_keys(report: Report) -> Figure:
    """The objective against each key."""
    assert report.best is not None
    if not report.keys:
        raise NothingToDraw("no key is swept")
    return plots.swept_keys(report.results, report.best, report.keys, report.objective)


def parallel(report: Report) -> Figure:
    """All keys and the objective side by side."""
    keys = varied(report)
    if len(keys) < 2:
        raise NothingToDraw("it takes two keys of several values")
    return parallel_coordinates(keys, report.objective, told(report))


def heat(report: Report) -> Figure:
    """The objective over pairs of numeric keys, those first that have most influence."""
    numeric: dict[str, list[float]] = {}
    for key, texts in varied(report).items():
        numbers = [value for text in texts if text is not None and (value := number(text)) is not None]
        if key != SEED and len(numbers) == len(texts):
            numeric[key] = numbers
    if len(numeric) < 2:
        raise NothingToDraw("it takes two keys of several numbers")
    values = told(report)
    influences = {key: influence(numbers, values) for key, numbers in numeric.items()}
    pairs = sorted(combinations(numeric, 2), key=lambda pair: -sum(influences[key] for key in pair))
    maps = [Pair((x, y), list(zip(numeric[x], numeric[y], strict=True))) for x, y in pairs[:MAPS]]
    return heat_maps(maps, report.objective, values)


def seeds(report: Report) -> Figure:
    """Mean and band over the seeds."""
    if SEED not in varied(report):
        raise NothingToDraw("no seeds are compared")
    assert report.standing is not None
    cells = report.standing.ranking if len(report.keys) > 1 else over_seeds(report.results, report.keys)
    settings = {
        plots.in_short(cell.values) or "all": [member.curve for member in cell.finished if member.curve]
        for cell in cells
    }
    return seed_bands({name: curves for name, curves in settings.items() if curves}, report.objective)


def ask_forest(report: Report) -> Importance:
    """How much each key matters, as far as a forest can tell."""
    keys, values = varied(report), told(report)
    if len(keys) < 2:
        raise NothingToDraw("it takes two keys of several values")
    jobs = [job for job, value in enumerate(values) if value is not None and math.isfinite(value)]
    if len(jobs) < ENOUGH:
        raise NothingToDraw(f"{len(jobs)} jobs are too few, it takes {ENOUGH}")
    known = {key: [texts[job] or "" for job in jobs] for key, texts in keys.items()}
    found = importance_of(known, [values[job] or 0.0 for job in jobs])
    if found.explained <= 0:
        raise NothingToDraw("scikit-learn's random forest cannot tell the jobs' order from the keys")
    return found


def importance(found: Importance) -> Figure:
    """A bar a key."""
    return importance_bars(
        found.shares,
        "share of what a random forest loses when the key's values are shuffled\n"
        "(scikit-learn's permutation importance)",
        f"the forest explains {found.explained:.0%} of the jobs' order (R², out of bag)",
    )


PICTURES: Mapping[str, Callable[[Report], Figure]] = {
    "learning_curves.png": learning_curves,
    "seeds.png": seeds,
    "swept_keys.png": swept_keys,
    "parallel_coordinates.png": parallel,
    "heat_map.png": heat,
}
IMPORTANCE = "importance.png"
NAMES = (*PICTURES, IMPORTANCE)
"""The files, in the order of the sweep's page."""


def drawings(report: Report) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Each picture's file, and what draws it, which raises ``NothingToDraw`` if that would say nothing.

    The forest is asked meanwhile, in a process beside this one.
    """
    if report.best is None:
        yield from ((name, several) for name in NAMES)
        return
    with ThreadPoolExecutor(1) as beside:
        forest = beside.submit(ask_forest, report)
        for name, draw in PICTURES.items():
            yield name, partial(draw, report)
        yield IMPORTANCE, lambda: importance(forest.result())


def several() -> Figure:
    """Draw nothing: a picture compares jobs."""
    raise NothingToDraw("the jobs have several data sets")


def varied(report: Report) -> dict[str, list[str | None]]:
    """The keys of several values, with each job's value as typed."""
    values = [values_of(result, report.keys) for result in report.results]
    columns = {key: [of_job.get(key) for of_job in values] for key in report.keys}
    return {key: texts for key, texts in columns.items() if len(set(texts)) > 1}


def told(report: Report) -> list[float | None]:
    """The objectives of the jobs that went well, None for the others.

    Raises:
        NothingToDraw: if none is finite.
    """
    values = [result.objective if result.outcome == "FINISHED" else None for result in report.results]
    if not any(value is not None and math.isfinite(value) for value in values):
        raise NothingToDraw(f"no job has a finite {report.objective}")
    return values


def influence(numbers: Sequence[float], values: Sequence[float | None]) -> float:
    """How much of the jobs' order lies between groups of a key's values: eta squared, of its ranks."""
    known = [(mine, value) for mine, value in zip(numbers, values, strict=True) if value is not None]
    mine, its = np.array([pair for pair in known if math.isfinite(pair[1])]).T
    order = np.argsort(np.argsort(its)).astype(np.float64)
    levels = np.searchsorted(np.unique(np.quantile(mine, np.linspace(0, 1, LEVELS + 1)[1:-1])), mine)
    means = np.array([order[levels == level].mean() for level in levels])
    return float(means.var() / order.var()) if order.var() > 0 else 0.0
