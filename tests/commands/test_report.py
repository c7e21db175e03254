"""A run or a sweep becomes one HTML file, from the store alone."""

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow.entities import Run

from runner.commands.arguments import parse
from runner.commands.report import KNOWN, report
from runner.errors import ConfigError, RunnerError, TrackingError
from tests.conftest import client_of, run_in, runs_in


@dataclass(frozen=True)
class Swept:
    """A sweep in the store of a folder, from which all else is gone."""

    folder: Path
    sweep: Run
    jobs: list[Run]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Swept:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    done = run_in(folder, "-m", "train.epochs=2", "data.limit=64", "optim.lr=0.1,1e30", "seed=0,1")
    assert done.returncode == 1, "two jobs diverge"
    shutil.rmtree(folder / "outputs" / "sweeps")
    runs = runs_in(folder)
    (sweep,) = (run for run in runs if run.data.tags["sweep_id"] == run.info.run_id)
    return Swept(folder, sweep, [run for run in runs if run is not sweep])


def page(folder: Path, *words: str) -> str:
    with contextlib.chdir(folder):
        report(parse([*words, "output=page.html"], KNOWN))
    return (folder / "page.html").read_text(encoding="utf-8")


def test_a_sweep_is_on_one_page_from_the_store_alone(swept: Swept) -> None:
    told = page(swept.folder, f"sweep={swept.sweep.info.run_id}")
    best = swept.sweep.data.tags["best_run_id"]
    assert "4: 2 finished, 2 failed" in told
    assert f"python -m runner rerun={best}" in told
    assert "0 of 2" in told
    assert "FAILED: epoch 1" in told
    assert told.count("data:image/png;base64,") == 4
    by_a_job = page(swept.folder, f"sweep={best}")
    as_a_run = page(swept.folder, f"run={swept.sweep.info.run_id}")
    assert [len(by_a_job), len(as_a_run)] == [len(told)] * 2


def test_the_parent_run_has_the_page_and_a_note(swept: Swept, tmp_path: Path) -> None:
    client, sweep = client_of(swept.folder), swept.sweep
    stored = Path(client.download_artifacts(sweep.info.run_id, "report.html", str(tmp_path))).read_text()
    assert stored.count("data:image/png;base64,") == 4
    assert f"rerun={sweep.data.tags['best_run_id']}" in sweep.data.tags["mlflow.note.content"]


def test_a_sweep_that_goes_on_is_told_as_far_as_it_has_come(swept: Swept) -> None:
    client, ids = client_of(swept.folder), (swept.sweep.info.run_id, swept.jobs[0].info.run_id)
    ended = [client.get_run(run_id).info.status for run_id in ids]
    for run_id in ids:
        client.update_run(run_id, status="RUNNING")
    try:
        told = page(swept.folder, f"sweep={ids[0]}")
    finally:
        for run_id, status in zip(ids, ended, strict=True):
            client.update_run(run_id, status=status)
    assert "was still running when this page was written" in told
    assert "1 running" in told
    assert "optim.lr: 0.1, 1e+30; seed: 0, 1" in told


def test_a_run_is_on_one_page_with_curves_of_its_own(
    swept: Swept, capsys: pytest.CaptureFixture[str]
) -> None:
    run = next(run for run in swept.jobs if run.info.status == "FINISHED")
    told = page(swept.folder, f"run={run.info.run_id}")
    assert capsys.readouterr().out == "the report is in page.html\n"
    assert "data:image/png;base64," in told
    for text in (run.info.run_name, "test/accuracy", "optim.lr", f"rerun={run.info.run_id}"):
        assert text in told


def test_the_pictures_that_a_run_has_left_are_shown(swept: Swept, tmp_path: Path) -> None:
    (tmp_path / "confusion_matrix.png").write_bytes(b"a picture")
    run = next(run for run in swept.jobs if run.info.status == "FINISHED")
    client_of(swept.folder).log_artifact(run.info.run_id, str(tmp_path / "confusion_matrix.png"), "pictures")
    told = page(swept.folder, f"run={run.info.run_id}")
    assert "confusion matrix" in told
    assert told.count("data:image/png;base64,") == 1


def test_a_run_that_has_failed_tells_why(swept: Swept) -> None:
    run = next(run for run in swept.jobs if run.info.status == "FAILED")
    told = page(swept.folder, f"run={run.info.run_id}")
    assert "FAILED</span>" in told
    assert "epoch 1: " in told
    assert "Traceback" in told


def test_names_of_others_are_text(swept: Swept) -> None:
    client, run = client_of(swept.folder), swept.jobs[0]
    client.set_tag(run.info.run_id, "note", "<script>alert(1)</script>")
    told = page(swept.folder, f"run={run.info.run_id}")
    assert "<script>alert" not in told
    assert "&lt;script&gt;alert(1)" in told


def test_the_file_is_named_after_the_run(swept: Swept) -> None:
    run_id = swept.jobs[0].info.run_id
    with contextlib.chdir(swept.folder):
        report(parse([f"run={run_id}"], KNOWN))
    assert (swept.folder / f"report-{run_id[:8]}.html").exists()


def test_what_cannot_be_told_is_refused_in_a_line(swept: Swept) -> None:
    with pytest.raises(ConfigError, match="write run=… or sweep=…, one of them"):
        page(swept.folder)
    with pytest.raises(ConfigError, match="one of them"):
        page(swept.folder, "run=a", "sweep=b")
    with pytest.raises(RunnerError, match="there is no run 'none'"):
        page(swept.folder, "run=none")
    with pytest.raises(TrackingError, match="there is no store"):
        page(swept.folder, "run=a", "tracking.uri=sqlite:///none.db")
    with pytest.raises(ConfigError, match="output: there is no folder"):
        report(parse(["run=a", "output=/nowhere/at/all.html"], KNOWN))


def test_a_run_of_no_sweep_is_none(in_tmp_path: Path) -> None:
    client = client_of(in_tmp_path)
    run = client.create_run(client.create_experiment("runner"))
    with pytest.raises(RunnerError, match="is no sweep and no job of one"):
        page(in_tmp_path, f"sweep={run.info.run_id}")
    assert "RUNNING" in page(in_tmp_path, f"run={run.info.run_id}")
