"""The store, made by many at once, at odd places; ``tests/tracking/test_store.py`` has more."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import runner
from runner.config import sqlite_uri
from runner.tracking.masking import masked
from tests.conftest import Injected, client_of, run_in, runs_in

ODD = ["50 % off", "a#b", "who?", "two words", "100%25", "ünïcode"]


@pytest.mark.slow
def test_sixteen_processes_at_once_leave_sixteen_runs_with_all_rows(
    tmp_path: Path, injected: Injected
) -> None:
    command = [sys.executable, "-m", "runner", "data=iris", "train.epochs=20", "tracking.log_model=false"]
    processes = [
        subprocess.Popen([*command, f"seed={seed}"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for seed in range(16)
    ]
    errors = [process.communicate(timeout=500)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 16, errors
    runs = runs_in(tmp_path)
    assert [run.info.status for run in runs] == ["FINISHED"] * 16
    assert runs_in(tmp_path, "Default") == []
    for run in runs:
        rows = client_of(tmp_path).get_metric_history(run.info.run_id, "train/loss")
        assert sorted(row.step for row in rows) == list(range(1, 21))
    assert not list(tmp_path.rglob("events.*"))
    injected(len(runs))


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_folders_and_experiments_work(in_tmp_path: Path, name: str) -> None:
    (in_tmp_path / name).mkdir()
    (in_tmp_path / "outputs" / "mlflow.db").rename(in_tmp_path / name / "mlflow.db")
    (in_tmp_path / "outputs").rmdir()
    (in_tmp_path / "outputs").symlink_to(in_tmp_path / name)
    uri = sqlite_uri.from_path(in_tmp_path / name / "mlflow.db")
    result = runner.run(
        [
            "data=iris", "train.epochs=1", "tracking.log_model=false",
            f"tracking.uri='{uri}'", f"tracking.experiment='{name}'",
        ]
    )  # fmt: skip
    (run,) = runs_in(in_tmp_path, name)
    assert (run.info.run_id, run.info.status) == (result.run_id, "FINISHED")
    left = {file.path for file in client_of(in_tmp_path).list_artifacts(result.run_id)}
    assert left >= {"config.yaml", "runner.log"}


def test_a_run_started_in_an_oddly_named_folder_is_all_there(in_tmp_path: Path) -> None:
    folder = in_tmp_path / "a b%20c#d?e"
    shutil.copytree(in_tmp_path / "outputs", folder / "outputs")
    done = run_in(folder, "data=iris", "train.epochs=2")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(folder)
    assert run.info.status == "FINISHED"
    assert Path(run.data.tags["runner.folder"]).is_relative_to(folder)
    (model,) = client_of(folder).search_logged_models([run.info.experiment_id])
    again = run_in(folder, f"resume={run.info.run_id}", "train.epochs=3")
    assert again.returncode == 0, again.stderr
    assert model.source_run_id == run.info.run_id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://me:secret@host:1/a?b#c", "https://***@host:1/a?b#c"),
        ("postgresql+psycopg2://me:s/e@t@host/db and more", "postgresql+psycopg2://***@host/db and more"),
        ("https://token@host/a", "https://***@host/a"),
        ("a http://x:y@h, b http://x:y@h", "a http://***@h, b http://***@h"),
        ("sqlite:////tmp/a@b:c", "sqlite:////tmp/a@b:c"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
    ],
)
def test_secrets_in_uris_are_masked(text: str, told: str) -> None:
    assert masked(text) == told


def test_a_secret_is_nowhere_in_the_store(in_tmp_path: Path) -> None:
    """In what the command line and the config say; the store's own URI has none here."""
    secret = "https://me:hush@example.org/data"
    result = runner.run(["data=iris", "train.epochs=1", "tracking.log_model=false", f"data.root={secret}"])
    client = client_of(in_tmp_path)
    run = client.get_run(result.run_id)
    assert "hush" not in str(run.data.params) + str(run.data.tags) + str(run.inputs)
    config = Path(client.download_artifacts(result.run_id, "config.yaml", str(in_tmp_path)))
    assert "hush" not in config.read_text()
