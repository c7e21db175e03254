"""Two processes under torchrun train what one process trains."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.entities import Run

from tests.conftest import client_of, run_in, runs_in

EPOCHS = 5
ARGUMENTS = ("optim=momentum", f"train.epochs={EPOCHS}", "train.batch_size=101", "tracking.log_model=false")


def torchrun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``torchrun --nproc-per-node=2 -m runner <arguments>``, meeting on a free port."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    return subprocess.run(
        [*command, "-m", "runner", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def history(folder: Path, run: Run, name: str) -> list[float]:
    points = client_of(folder).get_metric_history(run.info.run_id, name)
    return [point.value for point in sorted(points, key=lambda point: point.step)]


def test_two_processes_train_what_one_trains(in_tmp_path: Path) -> None:
    """1,437 samples in batches of 101: shares of 51 and 50, and of 12 and 11 of the last batch."""
    assert run_in(in_tmp_path, *ARGUMENTS).returncode == 0
    together = torchrun(in_tmp_path, *ARGUMENTS)
    assert together.returncode == 0, together.stderr
    assert together.stdout.count("epoch 1/") == 1  # rank 0 alone reports
    (two, one) = runs_in(in_tmp_path)
    assert two.info.status == "FINISHED"
    for name in ("train/loss", "test/loss", "train/accuracy", "test/accuracy"):
        alone = history(in_tmp_path, one, name)
        assert len(alone) == EPOCHS
        assert history(in_tmp_path, two, name) == pytest.approx(alone, rel=1e-5)
    for name in ("final/train_loss", "final/train_accuracy"):
        assert two.data.metrics[name] == pytest.approx(one.data.metrics[name], rel=1e-5)
    assert len(list((in_tmp_path / "outputs" / "runs").glob("*/*"))) == 2  # a folder a run, none for rank 1


def test_a_last_batch_smaller_than_the_workers_leaves_one_of_them_without_a_share(in_tmp_path: Path) -> None:
    arguments = ("data.limit=21", "train.batch_size=10", "train.epochs=3", "tracking.log_model=false")
    assert run_in(in_tmp_path, *arguments).returncode == 0
    together = torchrun(in_tmp_path, *arguments)
    assert together.returncode == 0, together.stderr
    (two, one) = runs_in(in_tmp_path)
    assert history(in_tmp_path, two, "train/loss") == pytest.approx(
        history(in_tmp_path, one, "train/loss"), rel=1e-5
    )


def test_a_wrong_config_is_told_once(in_tmp_path: Path) -> None:
    wrong = torchrun(in_tmp_path, "optim.lr=-1")
    assert wrong.returncode == 1  # torchrun's own, whatever its processes say
    assert wrong.stderr.count("optim.lr: -1") == 1


def test_divergence_ends_the_run_failed_on_every_rank(in_tmp_path: Path) -> None:
    diverging = torchrun(in_tmp_path, "optim.lr=1e30", "train.epochs=3")
    assert diverging.returncode == 1
    (run,) = runs_in(in_tmp_path)
    assert run.info.status == "FAILED"
    assert "epoch 1" in run.data.tags["failure"]
