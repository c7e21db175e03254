"""The SQLite store is made whole or not at all, whoever comes at the same time, whatever is killed."""

import multiprocessing
import os
import random
import sqlite3
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from mlflow import MlflowClient

from runner.errors import TrackingError
from runner.tracking.store import connect, find_experiment, make_sqlite_store
from tests.conftest import Injected, client_of, runs_in

STARTING = multiprocessing.get_context("forkserver")
STARTING.set_forkserver_preload([__name__])  # so that each begins at once, and not by importing MLflow


def start_one(folder: Path) -> ForkServerProcess:
    """A process that starts a run in the store of a folder."""
    process = STARTING.Process(target=make_run, args=(f"sqlite:///{folder}/outputs/mlflow.db",), daemon=True)
    process.start()
    return process


def make_run(uri: str) -> None:
    client = connect(uri)
    client.create_run(find_experiment(client, "runner"))


def test_the_store_is_made_on_first_use_with_its_artifacts_beside_it(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/deep/er/mlflow.db"
    client = connect(uri)
    experiment = client.get_experiment(find_experiment(client, "one / two"))
    assert experiment.name == "one / two"
    assert experiment.artifact_location == f"file://{tmp_path}/deep/er/mlartifacts/one%20_%20two"
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir() if path.suffix != ".lock"] == [
        "mlflow.db"
    ]


def test_a_store_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"something")
    make_sqlite_store(path)
    assert path.read_bytes() == b"something"


def test_an_experiment_is_made_once(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    assert find_experiment(client, "mine") == find_experiment(client, "mine")


def test_a_deleted_experiment_says_how_to_restore_it(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    client.delete_experiment(find_experiment(client, "mine"))
    with pytest.raises(TrackingError, match=r"'mine' has been deleted.*mlflow experiments restore"):
        find_experiment(client, "mine")


@pytest.mark.parametrize("uri", ["sqlite:////proc/nowhere/mlflow.db", "nonsense://x", "http://127.0.0.1:9"])
def test_a_store_that_cannot_be_used_is_one_line(uri: str) -> None:
    with pytest.raises(TrackingError) as error:
        find_experiment(connect(uri), "runner")
    assert str(error.value).startswith(f"tracking.uri: '{uri}' cannot be used: ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("this is not a database, but it is long enough to be looked at" * 100)
    with pytest.raises(TrackingError, match="cannot be used"):
        find_experiment(connect(f"sqlite:///{path}"), "runner")


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 16])
def test_many_processes_at_once_on_a_store_that_is_not_there_all_succeed(
    tmp_path: Path, count: int, injected: Injected
) -> None:
    processes = [start_one(tmp_path) for _ in range(count)]
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0] * count
    assert len(runs_in(tmp_path)) == count
    assert runs_in(tmp_path, "Default") == []
    assert {e.name for e in client_of(tmp_path).search_experiments()} == {"Default", "runner"}
    injected(count)


@pytest.mark.slow
def test_a_kill_while_the_store_is_made_leaves_the_next_start_able_to_make_it(
    tmp_path: Path, injected: Injected
) -> None:
    moments = random.Random(0)
    unfinished_seen = 0
    for attempt in range(24):
        folder = tmp_path / str(attempt)
        unfinished = folder / "outputs" / ".mlflow.db.unfinished"
        process = start_one(folder)
        while not unfinished.exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.8))
        process.kill()
        process.join()
        unfinished_seen += unfinished.exists()
        second = start_one(folder)
        second.join(120)
        assert second.exitcode == 0
        assert len(runs_in(folder)) >= 1
        with sqlite3.connect(folder / "outputs" / "mlflow.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not unfinished.exists()
    injected(attempt + 1)
    assert unfinished_seen >= 12, "most kills have to hit a half-made store for this to mean anything"


def test_a_servers_settings_of_the_user_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    assert isinstance(connect(f"sqlite:///{tmp_path}/mlflow.db"), MlflowClient)
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
