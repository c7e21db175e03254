"""A store that was moved or copied reads and writes what lies beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

import runner
from runner.again.resume import MAKES_THE_RUN, resume
from runner.commands import table
from runner.commands.arguments import parse
from runner.commands.predict import KNOWN as PREDICT
from runner.commands.predict import predict
from runner.commands.resume import KNOWN as RESUME
from runner.commands.sync import sync
from runner.config import sqlite_uri
from runner.errors import TrackingError
from runner.tracking.store import connect, make_sqlite_store
from tests.conftest import client_of, runs_in

SMALL = ("data=iris", "train.epochs=2", "tracking.pictures=false")


@pytest.fixture
def original(tmp_path: Path, ready_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run in it, and with signs in its name that mean something in a URI."""
    folder = tmp_path / "a 50%"
    (folder / "outputs").mkdir(parents=True)
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    monkeypatch.chdir(folder)
    runner.run(list(SMALL))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def predictions(folder: Path, run_id: str) -> bytes:
    np.save(folder / "x.npy", np.linspace(0, 5, 12, dtype=np.float32).reshape(3, 4))
    predict(parse([f"run={run_id}", "input=x.npy", "output=y.npy"], PREDICT))
    return (folder / "y.npy").read_bytes()


def test_a_copy_is_a_store_of_its_own(
    original: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    (run,) = runs_in(original)
    copy = original.parent / "b"
    shutil.copytree(original, copy)
    before = contents(original)
    monkeypatch.chdir(copy)
    new = runner.run([*SMALL, "seed=1"])
    words = [f"run={run.info.run_id}", "train.epochs=3"]
    assert resume(parse(words, RESUME, MAKES_THE_RUN), "python -m runner", None) == 0
    predictions(copy, new.run_id)
    assert contents(original) == before, "nothing of the original is written"
    for each in runs_in(copy):
        assert each.info.artifact_uri.startswith((copy / "outputs" / "mlartifacts").as_uri())
        assert Path(each.data.tags["runner.folder"]).is_relative_to(copy)
        artifacts = {entry.path for entry in client_of(copy).list_artifacts(each.info.run_id)}
        assert {"config.yaml", "model.txt"} <= artifacts


def test_what_was_moved_predicts_the_same(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run,) = runs_in(original)
    wanted = predictions(original, run.info.run_id)
    moved = original.parent / "elsewhere"
    original.rename(moved)
    monkeypatch.chdir(moved)
    assert predictions(moved, run.info.run_id) == wanted
    assert not original.exists()


def test_a_journal_that_was_copied_goes_to_the_copy(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner.run([*SMALL, "tracking.offline=true"])
    copy = original.parent / "b"
    shutil.copytree(original, copy)
    before = contents(original)
    monkeypatch.chdir(copy)
    assert sync(Path("outputs")) == 0
    assert contents(original) == before, "nothing of the original is written"
    assert len(runs_in(copy)) == len(runs_in(original)) + 1
    for run in runs_in(copy):
        assert Path(run.data.tags["runner.folder"]).is_relative_to(copy)


def test_a_copied_journal_of_another_store_is_sent_nowhere(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere" / "mlflow.db"
    elsewhere.parent.mkdir()
    shutil.copy(original / "outputs" / "mlflow.db", elsewhere)
    runner.run([*SMALL, "tracking.offline=true", f"tracking.uri={sqlite_uri.from_path(elsewhere)}"])
    copy = original.parent / "b"
    shutil.copytree(original, copy)
    monkeypatch.chdir(copy)
    assert sync(Path("outputs")) == 1
    assert "is not the store in use" in capsys.readouterr().err
    assert len(runs_in(copy)) == 1


def test_a_copy_without_its_artifacts_is_one_line(original: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / "mlflow.db"
    alone.parent.mkdir()
    shutil.copy(original / "outputs" / "mlflow.db", alone)
    before = alone.read_bytes()
    with pytest.raises(TrackingError, match=r"copy of the store in '.*a 50%/outputs' without its artifacts"):
        connect(sqlite_uri.from_path(alone))
    assert alone.read_bytes() == before


def test_places_that_somebody_has_chosen_stay(tmp_path: Path) -> None:
    path = tmp_path / "outputs" / "mlflow.db"
    make_sqlite_store(path)
    client = MlflowClient(sqlite_uri.from_path(path))
    client.create_experiment("elsewhere", artifact_location="file:///data/mlartifacts/elsewhere")
    client.create_experiment("bucket", artifact_location="s3://bucket/mlartifacts/0")
    path.parent.rename(tmp_path / "moved")
    found = connect(sqlite_uri.from_path(tmp_path / "moved" / "mlflow.db")).search_experiments()
    places = {each.name: each.artifact_location for each in found}
    assert places["elsewhere"] == "file:///data/mlartifacts/elsewhere"
    assert places["bucket"] == "s3://bucket/mlartifacts/0"
    assert places["Default"] == (tmp_path / "moved" / "mlartifacts" / "0").as_uri()


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move], ids=["copied", "moved"])
def test_every_command_works_where_it_lies_now(
    original: Path,
    monkeypatch: pytest.MonkeyPatch,
    one_thread: None,
    move: Callable[[Path, Path], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (run,) = runs_in(original)
    there = original.parent / "b"
    there.mkdir()
    move(original / "outputs", there / "outputs")
    before = contents(original)
    monkeypatch.chdir(there)
    run_id = run.info.run_id
    assert table.run("show", [run_id]) == table.run("list", []) == 0
    assert f"{there}/outputs/runs" in capsys.readouterr().out
    assert table.run("evaluate", [run_id]) == table.run("report", [run_id]) == 0
    assert table.run("export", [run_id, "format=safetensors", "output=m.safetensors"]) == 0
    assert table.run("pack", [run_id]) == table.run("rerun", [run_id]) == 0
    assert contents(original) == before
    assert str(original) not in capsys.readouterr().out


def test_a_store_behind_a_link_is_where_it_was(original: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(original)
    before = (original / "outputs" / "mlflow.db").read_bytes()
    connect(sqlite_uri.from_path(tmp_path / "link" / "outputs" / "mlflow.db"))
    assert (original / "outputs" / "mlflow.db").read_bytes() == before
