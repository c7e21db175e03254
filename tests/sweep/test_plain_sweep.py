"""Sweeps with Hydra's own launcher: one parent, a child a job, no job takes another down."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.entities import Run
from omegaconf import OmegaConf

from runner.sweep.callback import SweepFolder
from tests.conftest import client_of, run_in, runs_in

Sweep = tuple[Path, subprocess.CompletedProcess[str], Run, list[Run]]


def split(folder: Path) -> tuple[Run, list[Run]]:
    """The parent and its children."""
    runs = runs_in(folder)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} <= {parent.info.run_id}
    assert {run.data.tags["sweep_id"] for run in runs} == {parent.info.run_id}
    return parent, children


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("six")
    done = run_in(folder, "-m", "optim=sgd,momentum", "seed=0,1,2", "train.epochs=2")
    return folder, done, *split(folder)


def test_a_sweep_is_one_parent_with_a_child_a_job(six: Sweep) -> None:
    _, done, parent, children = six
    assert done.returncode == 0, done.stderr
    assert parent.info.run_name == "sweep optim=sgd,momentum seed=0,1,2 train.epochs=2"
    assert parent.info.status == "FINISHED"
    assert {run.info.status for run in children} == {"FINISHED"}
    assert sorted(run.info.run_name for run in children) == [
        f"mlp-{optim} seed={seed}" for optim in ("momentum", "sgd") for seed in range(3)
    ]


def test_a_sweep_leaves_a_folder_with_one_for_each_job(six: Sweep) -> None:
    folder, _, parent, _ = six
    (sweep,) = (folder / "outputs" / "sweeps").glob("*/*")
    assert sorted(job.name for job in sweep.iterdir() if job.is_dir()) == [*"012345", "best"]
    assert (sweep / "3" / "runner.log").exists()
    results = [json.loads(line) for line in (sweep / "results.jsonl").read_text().splitlines()]
    assert sorted(result["job"] for result in results) == list(range(6)), "a line as each ends"
    assert all(result["objective"] > 0 for result in results)
    artifacts = {file.path for file in client_of(folder).list_artifacts(parent.info.run_id)}
    assert artifacts == {
        "multirun.yaml", "results.jsonl", "cells.csv", "cells.json", "seeds.csv", "best",
        "learning_curves.png", "swept_keys.png", "parallel_coordinates.png", "seeds.png", "report.html",
    }  # fmt: skip


def test_the_best_of_a_sweep_runs_again_as_it_is(six: Sweep) -> None:
    folder, done, parent, _ = six
    *_, again, look = done.stdout.splitlines()
    assert look.startswith("look at it with ")
    label, command = again.split("  ", 1)
    assert label == "run the best again"
    client = client_of(folder)
    best = client.get_run(parent.data.tags["best_run_id"])
    rerun = run_in(folder, *shlex.split(command)[3:], "tracking.experiment=again")
    assert rerun.returncode == 0, rerun.stderr
    (same,) = runs_in(folder, "again")
    assert same.data.tags["config_hash"] == best.data.tags["config_hash"]
    assert same.data.metrics["test/loss"] == pytest.approx(best.data.metrics["test/loss"], rel=1e-6)


def test_the_ranking_ends_a_sweep(six: Sweep) -> None:
    _, done, *_ = six
    heading, first, second, _, _ = done.stdout.splitlines()[-5:]
    assert heading.split() == ["optim", "test/loss", "seeds", "job"]
    assert [first.split()[1], second.split()[1]] == ["momentum", "sgd"]
    assert "±" in first


def test_a_sweep_logs_no_models_unless_asked(six: Sweep) -> None:
    folder, *_ = six
    assert not (folder / "outputs" / "mlartifacts" / "runner" / "models").exists()


def test_a_failing_job_stops_no_other_and_is_named_at_the_end(in_tmp_path: Path, tmp_path: Path) -> None:
    done = run_in(
        tmp_path, "-m", "optim.lr=0.1,-1,1e+30,0.2", "train.epochs=2", "data=linear", "loss=mse",
        "hydra.sweeper.max_batch_size=2",
    )  # fmt: skip
    assert done.returncode == 1
    parent, children = split(tmp_path)
    assert parent.info.status == "FAILED"
    assert parent.data.tags["failure"] == "2 of 4 jobs failed"
    status = {run.info.run_name: run.info.status for run in children}
    assert status == {
        "mlp-sgd lr=0.1 seed=0": "FINISHED",
        "mlp-sgd lr=-1 seed=0": "FAILED",
        "mlp-sgd lr=1e+30 seed=0": "FAILED",
        "mlp-sgd lr=0.2 seed=0": "FINISHED",
    }
    first, second, count = done.stderr.strip().splitlines()[-3:]
    assert first.startswith("job 1 (optim.lr=-1 ")
    assert first.endswith("failed: optim.lr: -1 should be greater than or equal to 0")
    assert second.startswith("job 2 (optim.lr=1e+30 ")
    assert "failed: epoch 1: train/loss is " in second
    assert count == "2 of 4 jobs failed"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_sweep_declared_in_yaml_names_its_jobs_by_what_differs(in_tmp_path: Path, tmp_path: Path) -> None:
    (tmp_path / "my" / "experiment").mkdir(parents=True)
    (tmp_path / "my" / "experiment" / "rates.yaml").write_text(
        "# @package _global_\nhydra:\n  sweeper:\n    params: {optim.lr: '0.1,0.2'}\n"
    )
    done = run_in(tmp_path, "-m", "--config-dir", "my", "experiment=rates", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    _, children = split(tmp_path)
    assert sorted(run.info.run_name for run in children) == ["mlp-sgd lr=0.1 seed=0", "mlp-sgd lr=0.2 seed=0"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_stopped_sweep_leaves_nothing_running(
    in_tmp_path: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "-m", "train.epochs=2,1000000,3"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "epochs=2 seed=0: train/loss" in line:
            break
    deadline = time.monotonic() + 60
    while not any(run.data.metrics and run.info.status == "RUNNING" for run in runs_in(tmp_path)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    parent, children = split(tmp_path)
    assert parent.info.status == "KILLED"
    artifacts = {file.path for file in client_of(tmp_path).list_artifacts(parent.info.run_id)}
    assert artifacts >= {"cells.csv", "best", "learning_curves.png"}, "what had been done can be reported"
    statuses = {run.data.params["train.epochs"]: run.info.status for run in children}
    assert statuses.pop("1000000") == "KILLED"
    assert statuses.pop("2") == "FINISHED"
    assert statuses in ({}, {"3": "FINISHED"}), "which another lane may have trained meanwhile"


def test_a_sweep_forgets_what_an_earlier_one_left_in_its_folder(tmp_path: Path) -> None:
    for name in ("parent.json", "results.jsonl", "multirun.yaml"):
        (tmp_path / name).write_text("from before")
    SweepFolder().on_multirun_start(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert [path.name for path in tmp_path.iterdir()] == ["multirun.yaml"], "which Hydra writes anew"
    assert SweepFolder.path == tmp_path


def test_a_sweep_that_cannot_say_where_to_report_does_not_begin(tmp_path: Path) -> None:
    done = run_in(tmp_path, "-m", "tracking.uri=", "seed=0,1")
    assert done.returncode == 2
    assert done.stderr == "tracking.uri: '' should have at least 1 character\n"
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"], "no store is made anywhere else"
