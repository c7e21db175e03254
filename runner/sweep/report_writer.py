"""Writes what a sweep leaves, in its folder and on its parent run: tables, pictures, the best experiment."""

import contextlib
import json
import shlex
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Run, RunTag
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from runner.compose import SWEEP_RECORD, recorded_keys
from runner.errors import ConfigError, RunnerError, TrackingError
from runner.objective import remember
from runner.plain import hash_of
from runner.plugins.source import digest_of
from runner.signals import uninterrupted
from runner.sweep import best, parent, plots, table
from runner.sweep.lost import end_lost
from runner.sweep.record import JobResult
from runner.sweep.report import CELLS, Report
from runner.sweep.table import SEED
from runner.tracking.console import SHOWN
from runner.tracking.outcome import Status, reason_of
from runner.tracking.store import connect, told_as_tracking_error
from runner.tracking.tracked_run import VALUE_LENGTH

CELLS_TABLE, SEEDS = "cells.json", "seeds.csv"
EXPERIMENT = f"best/{best.EXPERIMENT}/{best.NAME}.yaml"
CURVES, KEYS = "learning_curves.png", "swept_keys.png"
FILES = (CELLS, CELLS_TABLE, SEEDS, EXPERIMENT, CURVES, KEYS)
"""By their names in the sweep's folder and among the parent run's artifacts."""


def close(folder: Path, status: Status, results: Sequence[JobResult]) -> Report:
    """Tell what came of a sweep, whole or interrupted, in its folder and on its parent run, and end that."""
    report = Report(folder, results, parent.find(folder).how_to_look)
    try:
        write(report)
    finally:
        with part(report, "the end of runs that were lost"):
            report.notes += end_lost(folder, "KILLED" if status == "KILLED" else "FAILED")
        with part(report, "the end of its parent run"):
            parent.end(folder, status, results)
    return report


@contextlib.contextmanager
def part(report: Report, name: str) -> Iterator[None]:
    """A part of the report: when it fails, the others are written all the same."""
    try:
        yield
    except RunnerError as error:
        if str(error) not in map(str, report.problems):  # a store that is gone is gone for every part
            report.problems.append(error)
    except Exception as error:
        problem = TrackingError(f"the sweep's report lacks {name}: {reason_of(error)}")
        problem.add_note(traceback.format_exc())  # which goes along to another process, as a cause does not
        report.problems.append(problem)


def run_of(report: Report, job: JobResult) -> Run:
    """What the store knows of a job that went well.

    Raises:
        TrackingError: if the store cannot be used.
    """
    assert job.run_id is not None
    uri = parent.find(report.folder).uri
    with told_as_tracking_error(uri):
        return connect(uri).get_run(job.run_id)


def write(report: Report) -> None:
    """Write all parts that can be written."""
    with part(report, "its tables"):
        for name in FILES:  # of an earlier sweep in the same folder
            (report.folder / name).unlink(missing_ok=True)
        write_tables(report)
    with part(report, "its ranking"):
        judge(report)
    if report.best is not None:
        with part(report, EXPERIMENT):
            write_experiment(report, report.best)
        with part(report, "its plots"):
            draw(report, report.best)
    with part(report, "what belongs into the store"):
        upload(report)


def write_tables(report: Report) -> None:
    """A row a cell; where seeds are swept, mean and standard deviation over them."""
    record = report.folder / SWEEP_RECORD
    if record.exists():
        report.keys = table.in_typed_order(recorded_keys(record), report.results)
    cells = table.cells(report.results, report.keys)
    (report.folder / CELLS).write_text(cells.to_csv(), encoding="utf-8")
    (report.folder / CELLS_TABLE).write_text(cells.to_mlflow(), encoding="utf-8")
    if SEED in report.keys:
        seeds = table.seeds(report.results, report.keys)
        (report.folder / SEEDS).write_text(seeds.to_csv(), encoding="utf-8")


def judge(report: Report) -> None:
    """Rank the cells by the objective, of which a job's run tells the name and which way it gets better."""
    finished = [result for result in report.results if result.status == "FINISHED"]
    if not finished:
        return
    run = run_of(report, finished[0])
    report.objective = run.data.params["objective"]
    if "objective_better" in run.data.tags:
        smaller = run.data.tags["objective_better"] == "smaller"
        remember(report.objective.rpartition("/")[2], smaller)
    report.ranking = table.ranking(report.results, report.keys, report.objective)
    report.best = report.ranking[0].best(report.objective)


def write_experiment(report: Report, job: JobResult) -> None:
    """The best job as YAML, if it composes to the very config that the job's run had.

    Raises:
        TrackingError: if the store cannot tell what that was.
    """
    file = report.folder / EXPERIMENT
    wanted = run_of(report, job).data.tags["config_hash"]
    try:
        sources = best.Sources.recorded(report.folder / SWEEP_RECORD)
        command = ["python", "-m", "runner", "--config-dir", str(seen_from_here(report.folder / "best"))]
        command += [*sources.search_override(), f"{best.EXPERIMENT}={best.NAME}"]
        title = f"# Job {job.job} of a sweep, the best by {report.objective}:\n# {shlex.join(command)}"
        text = best.as_experiment(job.overrides, sources)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{best.HEADER}\n{title}\n{text}", encoding="utf-8")
        plain = best.compose_best(report.folder / "best", sources).plain
        if hash_of(plain, {name: digest_of(name) for name in plain["plugins"]}) != wanted:
            raise ConfigError([f"{shlex.join(job.overrides)}: as YAML this would be another config"])
        report.command = shlex.join(command)
    except ConfigError as error:
        file.unlink(missing_ok=True)
        report.notes.append(f"{EXPERIMENT} is left out: {error}")


def seen_from_here(path: Path) -> Path:
    """The path relative to the working folder, if it lies in there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def draw(report: Report, job: JobResult) -> None:
    """The pictures."""
    curves = plots.learning_curves(report.results, job, report.keys, report.objective)
    plots.save(curves, report.folder / CURVES)
    if report.keys:
        keys = plots.swept_keys(report.results, job, report.keys, report.objective)
        plots.save(keys, report.folder / KEYS)


def upload(report: Report) -> None:
    """Give the parent run the files, and the best job's numbers, id and overrides.

    Raises:
        TrackingError: if the store cannot be used.
    """
    location = parent.find(report.folder)
    client = connect(location.uri)
    with told_as_tracking_error(location.uri), uninterrupted():
        for name in FILES:
            if (report.folder / name).exists():
                subfolder = str(Path(name).parent).removeprefix(".")
                client.log_artifact(location.run_id, str(report.folder / name), subfolder or None)
        # what log_table would do, but that it appends where a continued sweep has a table already
        client.set_tag(
            location.run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([{"path": CELLS_TABLE, "type": "table"}])
        )
        if report.best is not None:
            tell_best(client, location.run_id, report, report.best)


def tell_best(client: MlflowClient, run_id: str, report: Report, job: JobResult) -> None:
    """Metrics and tags of the parent run: the best job's, and its cell's mean over the seeds."""
    metrics = {
        f"best/{name}": value for name, value in job.metrics.items() if name in (*SHOWN, report.objective)
    }
    cell = report.ranking[0]
    if cell.std is not None:
        metrics |= {f"best/{report.objective}_mean": cell.mean, f"best/{report.objective}_std": cell.std}
    overrides = " ".join(job.overrides)[:VALUE_LENGTH]
    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
        tags=[RunTag("best_run_id", str(job.run_id)), RunTag("best_overrides", overrides)],
    )
