"""A sweep in a few lines of Markdown, which MLflow shows on top of its parent run's page."""

import re
from collections.abc import Sequence

from runner.pictures.colours import direction
from runner.reports.page import REPEATS
from runner.sweep.report.page import jobs_in, swept_in
from runner.sweep.report.ranked import ranked
from runner.sweep.report.report import Report, Standing

PLACES = 10

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as a run's description."""

VALUE_LENGTH, NOTE_LENGTH = 40, 6000
"""Characters of a value in the table, and of the whole, which MLflow takes 8000 of."""


def note_of(report: Report, experiment_id: str, files: Sequence[str]) -> str:
    """What was swept, the first places, the command that repeats the best, and what else there is to see.

    Where values are so long that the places do not fit, there are fewer.

    Args:
        report: what the sweep came to.
        experiment_id: the experiment that the runs are in.
        files: the sweep's artifacts.
    """
    notes = (with_places(report, experiment_id, files, places) for places in range(PLACES, -1, -1))
    return next((note for note in notes if len(note) <= NOTE_LENGTH), jobs_in(report))


def with_places(report: Report, experiment_id: str, files: Sequence[str], places: int) -> str:
    """The note with so many places."""
    lines = [f"{jobs_in(report)}."]
    lines += [f"- **{plain(key)}**: {plain(values)}" for key, values in swept_in(report).items()]
    several = len(report.standings) > 1
    if several:
        lines += ["", f"{len(report.standings)} data sets, which are not compared: the best of each."]
    for standing in report.standings:
        title, objective, best = standing.title, standing.objective, standing.best
        lines += ["", f"**{plain(title)}**"] if several else []
        lines += [
            "",
            f"By `{objective}`, {direction(objective)}:",
            "",
            *table_of(standing, report.keys, places),
        ]
        page = f"#/experiments/{experiment_id}/runs/{best.run_id}"
        lines += ["", f"The best is [job {best.job}]({page}). To run it again:", ""]
        lines += ["```sh", REPEATS.format(run=best.run_id), "```"]
    lines += ["", "Among the artifacts: " + ", ".join(f"`{name}`" for name in files) + "."]
    return "\n".join(lines)


def table_of(standing: Standing, keys: Sequence[str], places: int) -> list[str]:
    """The first places as a table."""
    shown = ranked(standing, keys, places)
    headings = ["", *shown.keys, *shown.figures]
    rules = ["---:", *("---" for _ in shown.keys), *("---:" for _ in shown.figures)]
    rows = [[plain(cell) for cell in row] for row in ([*map(str, headings)], *shown.rows)]
    lines = [" | ".join(row) for row in (rows[0], rules, *rows[1:])]
    rest = len(standing.ranking) - len(shown.rows)
    return [f"| {line} |" for line in lines] + ([f"\n… and {rest} more"] if rest else [])


def plain(text: str) -> str:
    """A text that Markdown takes as it is, in one line, its end left out if it is long."""
    short = text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"
    return re.sub(r"([\\`*_{}\[\]<>#|~$])", r"\\\1", " ".join(short.split()))
