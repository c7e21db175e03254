"""The end of a sweep on the terminal: the ranking, and what to type next."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from runner.reports.page import REPEATS
from runner.sweep.report.ranked import ranked
from runner.sweep.report.report import CELLS, Report, Standing
from runner.tracking.console import as_text

PLACES = 10


def show(report: Report, console: Console) -> None:
    """Print the best cells, the command that runs the best again and the one that opens the store."""
    several = len(report.standings) > 1
    if several:
        console.print(f"{len(report.standings)} data sets, which are not compared: the best of each")
    for standing in report.standings:
        if several:
            console.print(f"\n{standing.title}", markup=False)
        show_table(table_of(standing, report.keys), console)
        if len(standing.ranking) > PLACES:
            console.print(f"… and {len(standing.ranking) - PLACES} more, in {CELLS}", markup=False)
        if several:
            console.print(REPEATS.format(run=standing.best.run_id), markup=False)
    if report.command is not None:
        console.print(f"{'run the best again':<22}{report.command}", markup=False)
    console.print(f"{'look at it with':<22}{report.how_to_look}", markup=False)


def show_table(table: Table, console: Console) -> None:
    """Print a table: as wide as the terminal is, elsewhere as wide as its headings are."""
    if console.is_terminal:
        console.print(table)
    else:
        console.print(as_text(table), end="", markup=False, highlight=False, soft_wrap=True)


def table_of(standing: Standing, keys: Sequence[str]) -> Table:
    """A row a cell, the best first."""
    shown = ranked(standing, keys, PLACES)
    table = Table("", *map(escape, shown.keys), box=None, pad_edge=False)
    for heading in shown.figures:
        table.add_column(escape(heading), justify="right", no_wrap=True)
    for row in shown.rows:
        table.add_row(*map(escape, row))  # [a] is a list here, no style
    return table
