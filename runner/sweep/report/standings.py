"""The end of a sweep on the terminal: the ranking, and what to type next."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from runner.sweep.report.report import CELLS, Report

PLACES = 10


def show(report: Report, console: Console) -> None:
    """Print the best cells, the command that runs the best again and the one that opens the store."""
    if report.best is not None:
        console.print(standings(report))
        if len(report.ranking) > PLACES:
            console.print(f"… and {len(report.ranking) - PLACES} more, in {CELLS}", markup=False)
    if report.command is not None:
        console.print(f"{'run the best again':<22}{report.command}", markup=False)
    console.print(f"{'look at it with':<22}{report.how_to_look}", markup=False)


def standings(report: Report) -> Table:
    """A row a cell, the best first: its values, its objective, over how many seeds, its best job."""
    over_seeds = any(len(cell.members) > 1 for cell in report.ranking)
    shown = report.ranking[:PLACES]
    keys = [key for key in report.keys if any(key in cell.values for cell in shown)]
    table = Table("", *keys, box=None, pad_edge=False)
    for heading in (report.objective, *(["seeds"] if over_seeds else []), "job"):
        table.add_column(heading, justify="right", no_wrap=True)
    for place, cell in enumerate(shown, 1):
        failed = len(cell.members) - len(cell.finished)
        seeds = f"{len(cell.finished)} of {len(cell.members)}" if failed else str(len(cell.members))
        if cell.finished:
            value = f"{cell.mean:.4g}" + (f" ± {cell.std:.2g}" if cell.std is not None else "")
            job = cell.best(report.objective).job
        else:
            value, job = cell.members[0].status, cell.members[0].job
        values = [escape(cell.values.get(key, "")) for key in keys]  # [a] is a list here, no style
        table.add_row(str(place), *values, value, *([seeds] if over_seeds else []), str(job))
    return table
