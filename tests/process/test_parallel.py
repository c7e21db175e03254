"""Two processes under torchrun train what one process trains."""

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.entities import Run

from tests.conftest import REPOSITORY, client_of, run_in, runs_in
from tests.test_own_parts import examples

EPOCHS = 5
ARGUMENTS = (
    "optim=momentum",
    f"train.epochs={EPOCHS}",
    "train.batch_size=101",
    "tracking.log_model=false",
    "tracking.pictures=false",
)


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


def table_of(folder: Path, run: Run) -> str:
    into = folder / run.info.run_id
    into.mkdir()
    name = "confusion_matrix_test.csv"
    return Path(client_of(folder).download_artifacts(run.info.run_id, name, str(into))).read_text()


@pytest.mark.slow
def test_two_processes_train_what_one_trains(in_tmp_path: Path) -> None:
    """1,437 samples in batches of 101: shares of 51 and 50, and of 12 and 11 of the last batch."""
    arguments = (*ARGUMENTS, "train.metrics=[f1,confusion_matrix]")
    assert run_in(in_tmp_path, *arguments).returncode == 0
    together = torchrun(in_tmp_path, *arguments)
    assert together.returncode == 0, together.stderr
    assert together.stdout.count("epoch 1/") == 1  # rank 0 alone reports
    (two, one) = runs_in(in_tmp_path)
    assert two.info.status == "FINISHED"
    for name in ("train/loss", "test/loss", "train/accuracy", "test/accuracy", "test/f1_macro"):
        alone = history(in_tmp_path, one, name)
        assert len(alone) == EPOCHS
        assert history(in_tmp_path, two, name) == pytest.approx(alone, rel=1e-5)
    for name in ("final/train_loss", "final/train_accuracy"):
        assert two.data.metrics[name] == pytest.approx(one.data.metrics[name], rel=1e-5)
    tables = [table_of(in_tmp_path, run) for run in (one, two)]
    assert tables[0] == tables[1]
    assert len(list((in_tmp_path / "outputs" / "runs").glob("*/*"))) == 2  # a folder a run, none for rank 1


@pytest.mark.slow
def test_each_process_has_the_plugins(in_tmp_path: Path) -> None:
    (in_tmp_path / "parts.py").write_text("\n\n".join(examples()))
    words = ("plugins=[./parts.py]", "model.layers.a1.type=swish", "optim=own", "optim.type=sign_sgd")
    together = torchrun(in_tmp_path, *words, "+optim.lr=0.01", "train.epochs=1")
    assert together.returncode == 0, together.stderr
    (run,) = runs_in(in_tmp_path)
    assert run.info.status == "FINISHED"


@pytest.mark.slow
def test_a_worker_without_a_share_waits_for_the_others(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """21 samples in batches of 10: the last one is a batch of its own, for two workers."""
    arguments = (
        "data=linear",
        "loss=mse",
        "model=linear",
        "data.samples=26",
        "tracking.log_model=false",
        "tracking.pictures=false",
    )
    sizes = ("train.batch_size=10", "train.epochs=3", "optim.lr=0.1")
    assert run_in(in_tmp_path, *arguments, *sizes).returncode == 0
    together = torchrun(in_tmp_path, *arguments, *sizes)
    assert together.returncode == 0, together.stderr
    (two, one) = runs_in(in_tmp_path)
    for name in ("train/loss", "test/loss", "test/rmse", "test/r2"):
        alone = history(in_tmp_path, one, name)
        assert history(in_tmp_path, two, name) == pytest.approx(alone, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("optim.lr=-1",), "optim.lr: -1"),
        (("-m", "seed=0,1"), "no -m beside it"),
        (("data=mnist", "data.root=/nowhere"), "data=mnist"),
        (("optim.lr=1e30", "train.epochs=3"), "epoch 1: "),
    ],
)
def test_what_goes_wrong_is_told_in_a_line_and_nobody_hangs(
    in_tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    wrong = torchrun(in_tmp_path, *arguments)
    assert wrong.returncode == 1  # torchrun's own, whatever its processes say
    assert message in wrong.stderr
    assert str(REPOSITORY / "runner") not in wrong.stderr  # a traceback of torchrun's own, none of ours
    if wrong.stdout.startswith("mlp-"):
        assert {run.info.status for run in runs_in(in_tmp_path)} == {"FAILED"}


@pytest.mark.slow
def test_a_question_about_the_config_is_answered_by_the_first_alone(in_tmp_path: Path) -> None:
    shown = torchrun(in_tmp_path, "--cfg", "job")
    assert shown.returncode == 0
    assert shown.stdout.count("batch_size: 128") == 1
