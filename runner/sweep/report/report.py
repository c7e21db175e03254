"""What a sweep came to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import RunnerError
from runner.sweep.record import JobResult
from runner.sweep.report.table import Group

CELLS = "cells.csv"
"""In the sweep's folder and among the parent run's artifacts: a row a cell."""


@dataclass
class Report:
    """What a sweep came to.

    Attributes:
        folder: the sweep's.
        results: what its jobs came to.
        how_to_look: the command or page that shows the parent run.
        keys: those that the sweep varies, in the order typed.
        objective: the metric that decides; empty if no job got as far as telling one.
        ranking: the cells, the best first.
        best: the best cell's best job.
        command: what runs the best again, if YAML can say it.
        problems: why the report is not whole, if it is not.
        notes: what else the user should hear, such as a line for each run that nobody had ended.
    """

    folder: Path
    results: Sequence[JobResult]
    how_to_look: str
    keys: list[str] = field(default_factory=list)
    objective: str = ""
    ranking: list[Group] = field(default_factory=list)
    best: JobResult | None = None
    command: str | None = None
    problems: list[RunnerError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
