"""A sweep's results as tables: a row a cell, and a row for what differs in nothing but the seed."""

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.config.compose import key_of
from runner.objective import cost
from runner.process.masking import masked, masked_value
from runner.process.spreadsheet import cell
from runner.sweep.record import JobResult

SEED = "seed"

FAMILIES = ("train/", "val/", "test/", "final/", "best/")
"""Metrics that say how good a cell is, in the order of a table's columns."""

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Named columns and rows; None is a blank."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def to_csv(self) -> str:
        """The table as CSV, numbers to their last digit, texts so that a spreadsheet takes them for texts."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(map(cell, row) for row in (self.columns, *self.rows))
        return text.getvalue()

    def to_mlflow(self) -> str:
        """The table as JSON, as MLflow stores its tables; JSON has no inf or nan, so they are blanks."""
        rows = [[finite(value) for value in row] for row in self.rows]
        return json.dumps({"columns": list(self.columns), "data": rows})


@dataclass(frozen=True)
class Group:
    """Cells that differ in nothing but the seed; one alone where no seeds are compared.

    Attributes:
        values: of each key that tells this group from others, as typed.
        members: its jobs, by number.
    """

    values: Mapping[str, str]
    members: Sequence[JobResult]

    @property
    def finished(self) -> list[JobResult]:
        """The members that ended well."""
        return [member for member in self.members if member.outcome == "FINISHED"]

    @property
    def mean(self) -> float:
        """The finished members' mean objective; NaN if there is none."""
        return mean([told(member) for member in self.finished])

    @property
    def std(self) -> float | None:
        """The sample standard deviation of the finished members' objectives, if there are two."""
        return std([told(member) for member in self.finished])

    def best(self, objective: str) -> JobResult:
        """The finished member with the best objective."""
        return min(self.finished, key=lambda member: cost(objective, told(member)))


def in_typed_order(keys: Iterable[str], results: Sequence[JobResult]) -> list[str]:
    """Swept keys in the order in which the jobs' overrides name them."""
    wanted = set(keys)
    typed = dict.fromkeys(key_of(override) for result in results for override in result.overrides)
    return [key for key in typed if key in wanted]


def values_of(result: JobResult, keys: Sequence[str]) -> dict[str, str]:
    """A job's values of the keys, as typed but for secrets; a key that the job does not name has none."""
    typed = {key_of(each): masked_value(each).partition("=")[2] for each in result.overrides}
    return {key: typed[key] for key in keys if key in typed}


def cells(results: Sequence[JobResult], keys: Sequence[str]) -> Table:
    """A row a job: its values of the swept keys, its final and best metrics, what became of it."""
    metrics = in_families({name: None for result in results for name in result.metrics})
    rows: list[list[Value]] = []
    for result in sorted(results, key=lambda result: result.job):
        values = values_of(result, keys)
        rows.append(
            [
                *(result.job, result.outcome),
                *(values.get(key) for key in keys),
                *(result.metrics.get(name) for name in metrics),
                *(result.run_id, result.reason and masked(result.reason)),
            ]
        )
    return Table(["job", "status", *keys, *metrics, "run_id", "reason"], rows)


def over_seeds(results: Sequence[JobResult], keys: Sequence[str]) -> list[Group]:
    """The jobs in groups that differ in nothing but the seed, in the order of their first jobs."""
    others = [key for key in keys if key != SEED]
    groups: dict[tuple[str | None, ...], Group] = {}
    for result in sorted(results, key=lambda result: result.job):
        values = values_of(result, others)
        place = tuple(values.get(key) for key in others)
        members = groups[place].members if place in groups else []
        groups[place] = Group(values, [*members, result])
    return list(groups.values())


def seeds(results: Sequence[JobResult], keys: Sequence[str]) -> Table:
    """Mean and standard deviation over the seeds: of each metric, for each group of ``over_seeds``."""
    others = [key for key in keys if key != SEED]
    told = in_families({name: None for result in results for name in result.metrics})
    metrics = [name for name in told if name.startswith(FAMILIES)]
    rows: list[list[Value]] = []
    for group in over_seeds(results, keys):
        row: list[Value] = [group.values.get(key) for key in others]
        row += [len(group.finished), len(group.members) - len(group.finished)]
        for name in metrics:
            measured = [member.metrics[name] for member in group.finished if name in member.metrics]
            row += [mean(measured) if measured else None, std(measured)]
        rows.append(row)
    columns = [f"{name} {figure}" for name in metrics for figure in ("mean", "std")]
    return Table([*others, "n", "not_finished", *columns], rows)


def ranking(results: Sequence[JobResult], keys: Sequence[str], objective: str) -> list[Group]:
    """The cells, the best first and those without a number last.

    Where seeds are swept beside other keys, what is ranked is the mean over them; else each job for itself.
    """
    if SEED in keys and len(keys) > 1:
        groups = over_seeds(results, keys)
    else:
        in_order = sorted(results, key=lambda result: result.job)
        groups = [Group(values_of(result, keys), [result]) for result in in_order]
    return sorted(groups, key=lambda group: (cost(objective, group.mean), not group.finished))


def in_families(names: Iterable[str]) -> list[str]:
    """Metrics' names, family by family, the others behind."""

    def family(name: str) -> int:
        return next((i for i, prefix in enumerate(FAMILIES) if name.startswith(prefix)), len(FAMILIES))

    return sorted(names, key=family)


def told(result: JobResult) -> float:
    """A job's objective; NaN if it has told none."""
    return math.nan if result.objective is None else result.objective


def mean(values: Sequence[float]) -> float:
    """The mean; NaN of nothing."""
    return statistics.fmean(values) if values else math.nan


def std(values: Sequence[float]) -> float | None:
    """The sample standard deviation (n - 1), which takes two finite values."""
    return statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else None


def finite(value: Value) -> Value:
    """The value, unless JSON has no word for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
