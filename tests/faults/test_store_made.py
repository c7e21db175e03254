"""The store, made by many at once, at odd places; ``tests/tracking/test_store.py`` has more."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

import runner
from runner.config import sqlite_uri
from runner.process.masking import masked
from tests.conftest import CommandLine, Injected, client_of, run_in, runs_in
from tests.faults.servers import Server

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


@pytest.mark.slow
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
        ("/tmp/https:/me:secret@host/a", "/tmp/https:/***@host/a"),
        (r"tracking.uri=http\://me\:secret@host", r"tracking.uri=http\://***@host"),
        (r'{"o": "http\\://me\\:secret@host"}', r'{"o": "http\\://***@host"}'),
    ],
)
def test_secrets_in_uris_are_masked(text: str, told: str) -> None:
    assert masked(text) == told


SECRET = "https://me:hush@example.org/data"
PART = f"""
class Failing:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        raise ValueError("{SECRET} does not answer")


LAYERS = {{"failing": Failing}}
"""


def assert_silent(folder: Path) -> None:
    """The store and all artifacts say nothing of it, whatever the grammar that it was written in."""
    files = [folder / "outputs" / "mlflow.db", *(folder / "outputs" / "mlartifacts").rglob("*")]
    telling = [path for path in files if path.is_file() and b"hush" in path.read_bytes()]
    assert telling == []


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        (["data=iris"], 0),
        (["data=mnist", "data.limit=10"], 1),
        (["data=iris", "plugins=[./part.py]", "model.layers.a1.type=failing"], 1),
        (["-m", "data=iris", "optim.lr=0.1,0.2"], 0),
    ],
    ids=["a run", "data that cannot be had", "an exception's text", "a sweep"],
)
def test_a_secret_is_nowhere_in_the_store(
    command_line: CommandLine, in_tmp_path: Path, overrides: list[str], code: int
) -> None:
    """Nor on the terminal, nor in the log; in the command line and the config it is in the user's hands."""
    (in_tmp_path / "part.py").write_text(PART)
    done = command_line(*overrides, "train.epochs=1", f"data.root={SECRET}")
    assert done.returncode == code, done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert_silent(in_tmp_path)
    assert all("hush" not in path.read_text() for path in in_tmp_path.rglob("*.log"))


@pytest.mark.slow
def test_a_stores_own_secret_is_not_in_it_and_a_sweep_goes_on_without(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        uri = server.uri.replace("http://", "http://me:hush@")
        begun = run_in(tmp_path, "-m", "data=iris", "train.epochs=1", "seed=0,1", f"tracking.uri={uri}")
        assert begun.returncode == 0, begun.stderr
        assert "hush" not in begun.stdout + begun.stderr
        client = MlflowClient(server.uri)
        (experiment,) = (each for each in client.search_experiments() if each.name == "runner")
        runs = client.search_runs([experiment.experiment_id])
        (sweep,) = {run.data.tags["sweep_id"] for run in runs}
        again = run_in(tmp_path, "-m", f"sweep.resume={sweep}", f"tracking.uri={uri}")
    assert again.returncode == 0, again.stderr
    assert "hush" not in (tmp_path / "server.db").read_bytes().decode(errors="replace")
    files = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert any(path.name == "multirun.yaml" for path in files)
    assert [path for path in files if b"hush" in path.read_bytes()] == []
