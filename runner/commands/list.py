"""``runner list``: what has been run, the newest first."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from runner.commands.arguments import Arguments, run_program
from runner.errors import ConfigError, in_a_line, unknown
from runner.process.importing import without_collections

if TYPE_CHECKING:  # imported when there is something to list
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from rich.table import Table

USAGE = """runner list [<experiment>] [key=value …]

Lists runs, the newest first: as a table on a terminal, tab-separated with whole ids where it is piped. A
sweep is a line, with the number of its jobs.

  experiment    only those of this experiment, all if left out
  sweep         the jobs of a sweep: its id, or as much of its beginning as no other has
  status        FINISHED, FAILED, KILLED, RUNNING or SCHEDULED
  tags.<key>    only runs with this tag: tags.model=lenet, tags.data=mnist; jobs of sweeps are listed too
  all           true lists the jobs of sweeps with all other runs
  limit         how many at most, 20 if left out
  tracking.uri  the store; outputs/mlflow.db if nothing else is said"""

KNOWN = ("experiment", "sweep", "status", "tags.*", "all", "limit", "tracking.uri")

STATUS = ("FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED")

PARENT_TAG, SWEEP_TAG, NAME_TAG = "mlflow.parentRunId", "sweep_id", "mlflow.runName"

HEADINGS = ("id", "name", "jobs", "status", "objective", "started", "took")

PAGE = 200


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, list_runs)


@dataclass(frozen=True)
class Row:
    """A line of the list.

    Attributes:
        run: the run.
        jobs: how many jobs it has, if it is a sweep.
        objective: the metric that decides; empty where nothing tells.
    """

    run: "Run"
    jobs: int
    objective: str

    def cells(self) -> tuple[str, ...]:
        """What it says under each heading."""
        info, value = self.run.info, value_of(self.run, self.objective)
        cells = (
            info.run_id,
            self.run.data.tags.get(NAME_TAG, ""),
            str(self.jobs or ""),
            info.status,
            "" if value is None else f"{self.objective} {value:.4g}",
            started_at(self.run),
            duration_of(self.run),
        )
        return tuple(map(in_a_line, cells))


def list_runs(arguments: Arguments) -> int:
    """Find and show; the exit code.

    Raises:
        ConfigError: if the arguments are wrong.
        RunnerError: if the store or the sweep can't be had.
    """
    limit, wanted = arguments.whole_number("limit", 20), arguments.within("tags")
    shows_jobs = arguments.flag("all") or bool(wanted) or arguments.of("sweep") is not None
    conditions = [tag_is(key, value) for key, value in wanted.items()]
    if arguments.of("status") is not None:
        conditions.append(f"attributes.status = '{arguments.choice('status', STATUS)}'")
    with without_collections():
        from runner.tracking.console import PipeConsole
        from runner.tracking.lookup import existing_store, find_run
    client = existing_store(arguments.store())
    if (sweep := arguments.of("sweep")) is not None:
        conditions.append(tag_is(PARENT_TAG, find_run(client, sweep).info.run_id))
    experiments = experiments_of(client, arguments.of("experiment"))
    found = runs(client, experiments, " and ".join(conditions))
    listed = (run for run in found if shows_jobs or PARENT_TAG not in run.data.tags)
    rows = [row_of(client, run) for run in islice(listed, limit)]
    console = PipeConsole(highlight=False)
    if console.is_terminal:
        console.print(as_table(rows))
    else:  # not by rich, which makes spaces of tabs
        print("\n".join("\t".join(cells) for cells in (HEADINGS, *(row.cells() for row in rows))))
    return 0


def tag_is(key: str, value: str) -> str:
    """A condition in MLflow's language, which knows no way to say both kinds of quotes.

    Raises:
        ConfigError: if the value has both.
    """
    quote = '"' if "'" in value else "'"
    if quote in value or "`" in key:
        raise ConfigError([f"tags.{key}: {value} can't be asked for"])
    return f"tags.`{key}` = {quote}{value}{quote}"


def experiments_of(client: "MlflowClient", name: str | None) -> list[str]:
    """The ids of all experiments, or of the one that is named.

    Raises:
        ConfigError: if there is no such.
        TrackingError: if the store can't be read.
    """
    from runner.tracking.store import told_as_tracking_error

    with told_as_tracking_error(str(client.tracking_uri)):
        ids = {found.name: found.experiment_id for found in client.search_experiments()}
    if name is None:
        return list(ids.values())
    if name not in ids:
        raise ConfigError([unknown("experiment", name, ids)])
    return [ids[name]]


def runs(client: "MlflowClient", experiments: Sequence[str], condition: str) -> "Iterator[Run]":
    """All runs that meet a condition, the newest first, as many as are asked for.

    Raises:
        TrackingError: if the store can't be read.
    """
    from runner.tracking.store import told_as_tracking_error

    token = None
    while token != "":
        with told_as_tracking_error(str(client.tracking_uri)):
            page = client.search_runs(
                list(experiments), condition, max_results=PAGE, page_token=token,
                order_by=["attributes.start_time DESC"],
            )  # fmt: skip
        yield from page
        token = page.token or ""


def row_of(client: "MlflowClient", run: "Run") -> Row:
    """A run's line; the objective of a sweep is that of its best job.

    Raises:
        TrackingError: if the store can't be read.
    """
    from mlflow.exceptions import MlflowException

    from runner.tracking.lookup import NO_SUCH_RUN
    from runner.tracking.store import told_as_tracking_error

    info, tags = run.info, run.data.tags
    if tags.get(SWEEP_TAG) != info.run_id:
        return Row(run, 0, run.data.params.get("objective", ""))
    jobs = sum(1 for _ in runs(client, [info.experiment_id], tag_is(PARENT_TAG, info.run_id)))
    if (best := tags.get("best_run_id")) is None:
        return Row(run, jobs, "")
    with told_as_tracking_error(str(client.tracking_uri)):
        try:
            return Row(run, jobs, client.get_run(best).data.params.get("objective", ""))
        except MlflowException as error:
            if error.error_code not in NO_SUCH_RUN:
                raise
            return Row(run, jobs, "")  # it has been removed for good


def value_of(run: "Run", objective: str) -> float | None:
    """The objective of a run: the best that it came to, of one that has not come to an end the last."""
    from runner.tracking.lookup import metrics_of

    metrics = metrics_of(run)
    return metrics.get(f"best/{objective}", metrics.get(objective))


def started_at(run: "Run") -> str:
    """When, by this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.info.start_time / 1000))


def duration_of(run: "Run") -> str:
    """From its start to its end, or until now if it has not ended."""
    end = run.info.end_time or time.time() * 1000
    return duration((end - run.info.start_time) / 1000)


def duration(seconds: float) -> str:
    """How long, for a person: ``0.8 s``, ``3:05``, ``1:02:03``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def as_table(rows: Sequence[Row]) -> "Table":
    """The list for a terminal, with as much of the ids as tells them apart."""
    from rich.markup import escape
    from rich.table import Table

    colours = {"FINISHED": "green", "FAILED": "red", "KILLED": "yellow", "RUNNING": "cyan"}
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        right = heading in ("jobs", "took")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "name")
    for row in rows:
        run_id, name, jobs, status, *others = map(escape, row.cells())
        colour = colours.get(status, "default")
        table.add_row(run_id[:8], name, jobs, f"[{colour}]{status}[/]", *others)
    return table
