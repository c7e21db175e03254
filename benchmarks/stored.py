"""Folders to start sweeps in, with a store that is ready, and what of a sweep is in the store afterwards.

It is counted without MLflow, row by row, in SQLite's own tables.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

DATABASE = "outputs/mlflow.db"
"""Where the runner has its store, seen from the folder that it was started in."""

ONCE = ("best/", "final/")
"""How the names of metrics begin that a run has once, not once an epoch."""

FOUND = """
    SELECT count(DISTINCT metrics.key || '@' || metrics.step)
    FROM runs LEFT JOIN metrics ON metrics.run_uuid = runs.run_uuid
    WHERE runs.run_uuid = ? AND runs.status = 'FINISHED'
    GROUP BY runs.run_uuid
"""


def make_store(folder: Path) -> Path:
    """An empty store, to be copied: MLflow takes seconds to make one."""
    from runner.tracking.store import make_sqlite_store

    path = folder / "ready.db"
    make_sqlite_store(path)
    return path


@contextmanager
def launch_folder(ready: Path) -> Iterator[Path]:
    """A folder with a copy of a ready store, beside that store, for as long as the context lasts."""
    with TemporaryDirectory(dir=ready.parent) as name:
        folder = Path(name)
        (folder / DATABASE).parent.mkdir()
        shutil.copy(ready, folder / DATABASE)
        yield folder


@dataclass(frozen=True)
class Count:
    """What was found of a sweep, and what should be there.

    Attributes:
        finished: jobs whose run is FINISHED in the database.
        complete: those of them that have every metric of every epoch.
        rows: metrics of an epoch or of a run, of all jobs.
        wanted: how many there should be.
        loss: the mean over the jobs of the last epoch's training loss.
    """

    finished: int
    complete: int
    rows: int
    wanted: int
    loss: float

    def lacks_nothing(self, jobs: int) -> bool:
        """Whether so many jobs are there with everything that they measured."""
        return self.finished == self.complete == jobs and self.rows == self.wanted


def count(database: Path, results: Path) -> Count:
    """Look up in the database what the jobs of a sweep say that they measured.

    Args:
        database: that of the store, or of the server.
        results: the sweep's ``results.jsonl``, a line a job.
    """
    jobs = [json.loads(line) for line in results.read_text().splitlines()]
    wanted = [rows_of(len(job["curve"]), job["metrics"]) for job in jobs]
    with closing(sqlite3.connect(database)) as connection:
        found = [connection.execute(FOUND, [job["run_id"]]).fetchone() for job in jobs]
    there = [rows for (rows,) in filter(None, found)]
    return Count(
        finished=len(there),
        complete=sum(row is not None and row[0] == rows for row, rows in zip(found, wanted, strict=True)),
        rows=sum(there),
        wanted=sum(wanted),
        loss=sum(job["metrics"].get("train/loss", 0.0) for job in jobs) / len(jobs),
    )


def rows_of(epochs: int, names: Iterable[str]) -> int:
    """How many metrics a run has that reports these names."""
    return sum(1 if name.startswith(ONCE) else epochs for name in names)


def only_results(folder: Path) -> Path:
    """The results of the one sweep that was started in a folder.

    Raises:
        ValueError: if there is none, or more than one.
    """
    (results,) = folder.glob("outputs/sweeps/*/*/results.jsonl")
    return results
