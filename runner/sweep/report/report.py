"""What a sweep came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import RunnerError
from runner.objective import remember
from runner.sweep.record import JobResult
from runner.sweep.report.table import Group, ranking

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
        left_out: why a picture has nothing to show, by its file's name.
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
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[RunnerError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, known: Mapping[str, str]) -> None:
        """Rank the cells, if a job has finished.

        Args:
            known: the objective of such a job, and its tags, which may tell which way that gets better.
        """
        self.objective = known["objective"]
        if "objective_better" in known:
            remember(self.objective.rpartition("/")[2], known["objective_better"] == "smaller")
        self.ranking = ranking(self.results, self.keys, self.objective)
        self.best = self.ranking[0].best(self.objective)
