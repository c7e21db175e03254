"""What is counted in a store: nothing that is missing goes unseen."""

import json
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from benchmarks import stored

EPOCHS = 2
REPORTED = {"train/loss": 0.5, "test/loss": 0.7, "best/epoch": 2.0}
ROWS = 5
"""Two metrics after each of two epochs, and one at the end."""


@pytest.fixture
def database(ready_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(ready_store, tmp_path / "mlflow.db"))


def add_run(database: Path, status: str = "FINISHED", without: int = 0) -> dict[str, object]:
    """A run as a job reports it, all but the last ``without`` rows in the store; the job's result."""
    client = MlflowClient(f"sqlite:///{database}")
    run_id = client.create_run("0").info.run_id
    rows = [("train/loss", 1), ("test/loss", 1), ("train/loss", 2), ("test/loss", 2), ("best/epoch", 2)]
    kept = rows[: ROWS - without]
    client.log_batch(run_id, [Metric(name, REPORTED[name], 0, step) for name, step in kept])
    client.set_terminated(run_id, status)
    return {"run_id": run_id, "metrics": REPORTED, "curve": [0.9, 0.7]}


def counted(database: Path, *jobs: dict[str, object]) -> stored.Count:
    results = database.with_name("results.jsonl")
    results.write_text("".join(json.dumps(job) + "\n" for job in jobs))
    return stored.count(database, results)


def test_a_sweep_that_is_all_there_lacks_nothing(database: Path) -> None:
    count = counted(database, add_run(database), add_run(database))
    assert count == stored.Count(finished=2, complete=2, rows=2 * ROWS, wanted=2 * ROWS, loss=0.5)
    assert count.lacks_nothing(2)
    assert not count.lacks_nothing(3)


def test_a_missing_row_is_seen(database: Path) -> None:
    count = counted(database, add_run(database), add_run(database, without=1))
    assert (count.finished, count.complete, count.rows) == (2, 1, 2 * ROWS - 1)
    assert not count.lacks_nothing(2)


def test_a_row_that_was_written_twice_counts_once(database: Path) -> None:
    job = add_run(database, without=1)
    MlflowClient(f"sqlite:///{database}").log_metric(str(job["run_id"]), "train/loss", 0.5, 1, 1)
    assert counted(database, job).rows == ROWS - 1


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
def test_only_finished_runs_count(database: Path, status: str) -> None:
    count = counted(database, add_run(database, status))
    assert (count.finished, count.complete, count.rows) == (0, 0, 0)


def test_a_job_without_a_run_is_missing(database: Path) -> None:
    count = counted(database, {"run_id": None, "metrics": {}, "curve": []}, add_run(database))
    assert (count.finished, count.complete) == (1, 1)
    assert not count.lacks_nothing(2)


def test_a_launch_folder_has_a_store_of_its_own_and_goes_away(database: Path) -> None:
    with stored.launch_folder(database) as folder:
        assert (folder / stored.DATABASE).read_bytes() == database.read_bytes()
        with pytest.raises(ValueError, match="not enough values"):
            stored.only_results(folder)
    assert not folder.exists()
