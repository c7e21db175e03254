"""What a sweep came to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.errors import RunnerError
from runner.objective import remember
from runner.sweep.record import JobResult
from runner.sweep.report.data_sets import by_data, titles
from runner.sweep.report.table import Group, ranking

CELLS = "cells.csv"
"""In the sweep's folder and among the parent run's artifacts: a row a cell."""


@dataclass(frozen=True)
class Standing:
    """What the jobs of one data set came to.

    Attributes:
        title: the data set.
        objective: the metric that decides.
        ranking: the cells, the best first.
        best: the best cell's best job.
    """

    title: str
    objective: str
    ranking: Sequence[Group]
    best: JobResult


@dataclass
class Report:
    """What a sweep came to.

    Attributes:
        folder: the sweep's.
        results: what its jobs came to.
        how_to_look: the command or page that shows the parent run.
        keys: those that the sweep varies, in the order typed.
        standings: what the jobs of each data set came to, of which one has finished.
        command: what runs the best again, if YAML can say it.
        left_out: why a picture has nothing to show, by its file's name.
        problems: why the report is not whole, if it is not.
        notes: what else the user should hear, such as a line for each run that nobody had ended.
    """

    folder: Path
    results: Sequence[JobResult]
    how_to_look: str
    keys: list[str] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    command: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    problems: list[RunnerError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def standing(self) -> Standing | None:
        """The only one; None if there is none, or jobs of several data sets, which are not compared."""
        return self.standings[0] if len(self.standings) == 1 else None

    @property
    def objective(self) -> str:
        """The metric that decides; empty if no job got as far as reporting one, or there are several."""
        objectives = {standing.objective for standing in self.standings}
        return objectives.pop() if len(objectives) == 1 else ""

    @property
    def best(self) -> JobResult | None:
        """The best cell's best job, if all jobs can be compared."""
        return None if self.standing is None else self.standing.best

    def judge(self, known: Callable[[JobResult], Mapping[str, str]]) -> None:
        """Rank the cells of each data set of which a job has finished.

        Args:
            known: the objective of such a job, and its tags, which may say which way that gets better.
        """
        groups = by_data(self.results)
        self.standings = [
            self._standing(title, group, known(finished))
            for title, group in zip(titles(groups), groups, strict=True)
            if (finished := next((job for job in group if job.outcome == "FINISHED"), None)) is not None
        ]

    def _standing(self, title: str, results: Sequence[JobResult], known: Mapping[str, str]) -> Standing:
        objective = known["objective"]
        if "objective_better" in known:
            remember(objective.rpartition("/")[2], known["objective_better"] == "smaller")
        cells = ranking(results, self.keys, objective)
        return Standing(title, objective, cells, cells[0].best(objective))
