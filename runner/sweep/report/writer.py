"""Writes what a sweep leaves, in its folder and on its parent run: tables, pictures, the best experiment."""

import contextlib
import json
import shlex
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from runner.config.compose import SWEEP_RECORD, recorded_keys
from runner.config.foreign_places import to_be_typed
from runner.config.plain import hash_of
from runner.errors import ConfigError, RunnerError, TrackingError
from runner.pictures import figure
from runner.plugins.source import digest_of
from runner.process import atomic
from runner.process.masking import masked_value, masked_words
from runner.sweep.books import parent
from runner.sweep.books.lost import end_lost
from runner.sweep.books.page import RECORD
from runner.sweep.record import JobResult
from runner.sweep.report import best, pictures, table
from runner.sweep.report.note import NOTE, note_of
from runner.sweep.report.page import PAGE, About, page_of
from runner.sweep.report.report import CELLS, Report
from runner.sweep.report.table import SEED
from runner.tracking import events
from runner.tracking.console import SHOWN
from runner.tracking.events import VALUE_LENGTH
from runner.tracking.journal import Event, owner_lock
from runner.tracking.location import how_to_send
from runner.tracking.outcome import Status, reason_of
from runner.tracking.store import connect, is_refused, told_as_tracking_error

CELLS_TABLE, SEEDS = "cells.json", "seeds.csv"
EXPERIMENT = f"best/{best.EXPERIMENT}/{best.NAME}.yaml"
FILES = (PAGE, CELLS, CELLS_TABLE, SEEDS, EXPERIMENT, *pictures.NAMES)
"""By their names in the sweep's folder and among the parent run's artifacts."""


def close(folder: Path, status: Status, results: Sequence[JobResult]) -> Report:
    """Tell what came of a sweep, whole or interrupted, in its folder and on its parent run, and end that."""
    report = Report(folder, results, parent.find(folder).how_to_look)
    with owner_lock(folder):  # nobody else sends what is not whole yet
        try:
            write(report, status)
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
        if isinstance(error, TrackingError) and not is_refused(error):
            uri = parent.find(report.folder).uri
            report.notes.append(f"{name} is left to {how_to_send(report.folder, uri)}: {error}")
        elif str(error) not in map(str, report.problems):  # a store that is gone is gone for every part
            report.problems.append(error)
    except Exception as error:
        problem = TrackingError(f"the sweep's report lacks {name}: {reason_of(error)}")
        problem.add_note(traceback.format_exc())  # which goes along to another process, as a cause does not
        report.problems.append(problem)


def known_of(report: Report, job: JobResult) -> Mapping[str, str]:
    """The objective of a job that went well, and its tags: its folder tells them, or its run.

    Raises:
        TrackingError: if the run has to be asked, and the store cannot be used.
    """
    file = report.folder / str(job.job) / RECORD
    if file.exists():
        known: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
        return known
    assert job.run_id is not None
    uri = parent.find(report.folder).uri
    with told_as_tracking_error(uri):
        data = connect(uri).get_run(job.run_id).data
    return {"objective": data.params["objective"], **data.tags}


def write(report: Report, status: Status) -> None:
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
    if report.standings:
        with part(report, "its pictures"):
            draw(report)
    with part(report, PAGE):
        write_page(report, status)
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
    """Rank the cells of each data set, by the objective that a job's run names."""
    report.judge(partial(known_of, report))


def write_experiment(report: Report, job: JobResult) -> None:
    """The best job as YAML, if it composes to the very config that the job's run had.

    Raises:
        TrackingError: if the store cannot tell what that was.
    """
    file = report.folder / EXPERIMENT
    wanted = known_of(report, job)["config_hash"]
    try:
        sources = best.Sources.recorded(report.folder / SWEEP_RECORD)
        command = ["python", "-m", "runner", "--config-dir", str(seen_from_here(report.folder / "best"))]
        places = to_be_typed(job.overrides)
        command += [*sources.search_override(), f"{best.EXPERIMENT}={best.NAME}", *map(masked_value, places)]
        title = f"# Job {job.job} of a sweep, the best by {report.objective}:\n# {shlex.join(command)}"
        text = best.as_experiment(job.overrides, sources)
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_private(file, f"{best.HEADER}\n{title}\n{text}")
        plain = best.compose_best(report.folder / "best", sources, places).plain
        if hash_of(plain, {name: digest_of(name) for name in plain["plugins"]}) != wanted:
            raise ConfigError([f"{masked_words(job.overrides)}: as YAML this would be another config"])
        report.command = shlex.join(command)
    except ConfigError as error:
        file.unlink(missing_ok=True)
        report.notes.append(f"{EXPERIMENT} is left out: {error}")


def seen_from_here(path: Path) -> Path:
    """The path relative to the working folder, if it lies in there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def draw(report: Report) -> None:
    """The pictures that have something to show."""
    for name, drawn in pictures.drawings(report):
        with part(report, name):
            try:
                figure.save(drawn(), report.folder / name)
            except pictures.NothingToDraw as reason:
                report.left_out[name] = str(reason)


def write_page(report: Report, status: Status) -> None:
    """All on one page."""
    there = {
        name: (report.folder / name).read_bytes()
        for name in pictures.NAMES
        if (report.folder / name).exists()
    }
    where = {"folder": str(report.folder), "look at it with": report.how_to_look}
    about = About(parent.name(report.folder), parent.find(report.folder).run_id, status, where)
    (report.folder / PAGE).write_text(page_of(report, about, there), encoding="utf-8")


def upload(report: Report) -> None:
    """Have the parent run told of the files, and of the best job's numbers, id and overrides."""
    journal = parent.journal_of(report.folder)
    # what log_table would do, but that it appends where a continued sweep has a table already
    table_tag = {MLFLOW_LOGGED_ARTIFACTS: json.dumps([{"path": CELLS_TABLE, "type": "table"}])}
    there = [name for name in FILES if (report.folder / name).exists()]
    note = note_of(report, parent.find(report.folder).experiment_id, there)
    journal.append(events.left(report.folder, {}, there), events.tagged(table_tag | {NOTE: note}))
    if report.best is not None:
        journal.append(*about_best(report, report.best))


def about_best(report: Report, job: JobResult) -> list[Event]:
    """Metrics and tags of the parent run: the best job's, and its cell's mean over the seeds."""
    metrics = {
        f"best/{name}": value for name, value in job.metrics.items() if name in (*SHOWN, report.objective)
    }
    assert report.standing is not None
    cell = report.standing.ranking[0]
    if cell.std is not None:
        metrics |= {f"best/{report.objective}_mean": cell.mean, f"best/{report.objective}_std": cell.std}
    overrides = masked_words(job.overrides)[:VALUE_LENGTH]
    tags = {"best_run_id": str(job.run_id), "best_overrides": overrides}
    return [events.measured(metrics, 0), events.tagged(tags)]
