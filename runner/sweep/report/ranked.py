"""The ranking in words, for the terminal, the parent run's note and the sweep's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.sweep.record import JobResult
from runner.sweep.report.report import Standing
from runner.sweep.report.table import Group


@dataclass(frozen=True)
class Ranked:
    """The first cells.

    Attributes:
        keys: those of which they have values.
        figures: the headings of what they came to.
        rows: of each cell its place, its values and its figures.
        jobs: of each cell the job that stands for it.
    """

    keys: Sequence[str]
    figures: Sequence[str]
    rows: Sequence[Sequence[str]]
    jobs: Sequence[JobResult]


def ranked(standing: Standing, swept: Sequence[str], places: int | None = None) -> Ranked:
    """The best cells first: their values, objective, over how many seeds if over several, best job.

    Args:
        standing: what the jobs of a data set came to.
        swept: the keys that the sweep varies.
        places: how many; all if left out.
    """
    shown = standing.ranking[:places]
    over_seeds = any(len(cell.members) > 1 for cell in standing.ranking)
    keys = [key for key in swept if any(key in cell.values for cell in shown)]
    jobs = [cell.best(standing.objective) if cell.finished else cell.members[0] for cell in shown]
    rows = [
        [
            str(place),
            *(cell.values.get(key, "") for key in keys),
            figure_of(cell),
            *([seeds_of(cell)] if over_seeds else []),
            str(job.job),
        ]
        for place, (cell, job) in enumerate(zip(shown, jobs, strict=True), 1)
    ]
    return Ranked(keys, [standing.objective, *(["seeds"] if over_seeds else []), "job"], rows, jobs)


def figure_of(cell: Group) -> str:
    """A cell's objective, with the deviation over its seeds; what became of it if it has none."""
    if not cell.finished:
        first = cell.members[0]
        return first.status if first.pruned is None else f"pruned after epoch {first.pruned}"
    return f"{cell.mean:.4g}" + (f" ± {cell.std:.2g}" if cell.std is not None else "")


def seeds_of(cell: Group) -> str:
    """Over how many seeds, and of how many if some have not finished."""
    all_of_them, finished = len(cell.members), len(cell.finished)
    return str(all_of_them) if finished == all_of_them else f"{finished} of {all_of_them}"
