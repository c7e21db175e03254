"""The program as its users drive it: a command line in a folder, then MLflow's client reads the store."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from mlflow.entities import Run

from tests.conftest import CommandLine, client_of, run_in, runs_in

EPOCH_METRICS = {
    "train/loss", "train/accuracy", "test/loss", "test/accuracy",
    "lr", "time/epoch_seconds", "time/samples_per_second",
}  # fmt: skip
FINAL_METRICS = {
    "best/epoch", "best/test/loss", "best/test/accuracy", "final/train_loss", "final/train_accuracy",
}  # fmt: skip


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """README's first command, in an empty folder and a fresh process."""
    folder = tmp_path_factory.mktemp("first")
    command = [sys.executable, "-m", "runner", "model=mlp", "optim=momentum"]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def first_run(first: tuple[Path, subprocess.CompletedProcess[str]]) -> tuple[Path, Run]:
    folder, _ = first
    (run,) = runs_in(folder)
    return folder, run


def of_the_model(run: Run) -> set[str]:
    """A run's metrics, but for those of the machine, which a run has that takes some seconds."""
    return {name for name in run.data.metrics if not name.startswith("system/")}


def test_the_first_command_says_what_it_did(first: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, done = first
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "mlp-momentum seed=0"
    assert re.search(r"l1 +Linear +\[128\] +8,320", done.stdout)
    assert re.search(r"total +9,610", done.stdout)
    assert len([line for line in lines if re.match(r"epoch +\d+/20  train/loss \d", line)]) == 20
    assert any(line.startswith("test/accuracy") for line in lines)
    assert any(line.split() == ["run", "id", runs_in(folder)[0].info.run_id] for line in lines)
    assert lines[-1].endswith("python -m runner ui")


def test_digits_are_learnt(first_run: tuple[Path, Run]) -> None:
    assert first_run[1].data.metrics["test/accuracy"] >= 0.95


def test_the_run_is_in_the_store_as_the_contract_has_it(first_run: tuple[Path, Run]) -> None:
    folder, run = first_run
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "mlp-momentum seed=0"
    assert of_the_model(run) == EPOCH_METRICS | FINAL_METRICS
    for name in EPOCH_METRICS:
        history = client_of(folder).get_metric_history(run.info.run_id, name)
        assert sorted(metric.step for metric in history) == list(range(1, 21)), name
    assert run.data.params["optim.type"] == "momentum"
    assert run.data.params["train.epochs"] == "20"
    assert run.data.params["tracking.uri"] == f"sqlite:///{folder}/outputs/mlflow.db"
    assert set(run.data.tags) >= {
        "model",
        "optim",
        "data",
        "config_hash",
        "runner_version",
        "device",
        "command",
    }
    assert runs_in(folder, "Default") == []


def test_the_run_leaves_its_config_and_log(first_run: tuple[Path, Run]) -> None:
    folder, run = first_run
    client = client_of(folder)
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
        "config.yaml", "model.txt", "pictures", "runner.log",
    }  # fmt: skip
    config = yaml.safe_load(Path(client.download_artifacts(run.info.run_id, "config.yaml")).read_text())
    own = {"type": "momentum", "lr": 1.0, "beta": 0.9, "weight_decay": 0.0}
    assert config["optim"] == {"clip_norm": None, "clip_value": None, "groups": [], **own}
    log = Path(client.download_artifacts(run.info.run_id, "runner.log")).read_text()
    assert "epoch 20/20" in log
    (hydra_folder,) = (folder / "outputs" / "runs").glob("*/*/.hydra")
    assert {file.name for file in hydra_folder.iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert re.fullmatch(r"\d\d-\d\d-\d\d-[0-9a-f]{6}", hydra_folder.parent.name)


@pytest.mark.slow
def test_the_trained_model_predicts_in_a_fresh_process(first_run: tuple[Path, Run]) -> None:
    folder, run = first_run
    program = f"""
import sys, mlflow, numpy as np
from mlflow.models import validate_serving_input
mlflow.set_tracking_uri("sqlite:///{folder}/outputs/mlflow.db")
path = mlflow.artifacts.download_artifacts("runs:/{run.info.run_id}/model")
model = mlflow.pyfunc.load_model(path)
assert sys.modules["runner"].__file__.startswith(path), "the code comes with the model"
assert model.metadata.signature.inputs.input_types() == [np.dtype("float32")]
assert model.metadata.signature.outputs.input_names() == list(model.predict(model.input_example))
assert model.input_example.shape == (2, 1, 8, 8)
served = validate_serving_input(path, model.metadata.get_serving_input(path))
assert served.equals(model.predict(model.input_example))
needed = open(mlflow.pyfunc.get_model_dependencies(path)).read().split()
assert f"mlflow=={{mlflow.__version__}}" in needed and any(name.startswith("torch==") for name in needed)
from runner.data.digits import Digits
test = Digits().load().test
print((model.predict(test.inputs.numpy())["class"] == test.targets.numpy()).mean())
"""
    predicted = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    )
    assert float(predicted.stdout) == pytest.approx(run.data.metrics["test/accuracy"])


@pytest.mark.slow
def test_mnist_is_learnt(command_line: CommandLine, tmp_path: Path, mnist_root: Path) -> None:
    done = command_line(
        "data=mnist",
        f"data.root={mnist_root}",
        "train.epochs=3",
        "tracking.log_model=false",
        "tracking.pictures=false",
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(tmp_path)
    assert run.data.metrics["test/accuracy"] >= 0.95
    assert run.data.tags["data"] == "mnist"


@pytest.mark.slow
def test_mnist_is_learnt_well_in_ten_epochs(
    command_line: CommandLine, tmp_path: Path, mnist_root: Path
) -> None:
    done = command_line(
        "data=mnist",
        f"data.root={mnist_root}",
        "model=mlp",
        "optim=momentum",
        "optim.lr=0.3",
        "train.epochs=10",
    )
    assert done.returncode == 0, done.stderr
    assert runs_in(tmp_path)[0].data.metrics["test/accuracy"] >= 0.975


@pytest.mark.slow
def test_the_articles_experiment_ends_where_a_lasting_velocity_takes_it(
    command_line: CommandLine, tmp_path: Path, mnist_root: Path
) -> None:
    done = command_line("experiment=article", f"data.root={mnist_root}")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(tmp_path)
    assert run.data.metrics["final/train_accuracy"] >= 0.99
    assert run.data.params["model.layers.l1.init.type"] == "normal"


@pytest.mark.slow
def test_metrics_that_are_asked_for_are_in_the_store(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line(
        "train.metrics=[f1,auroc,confusion_matrix]", "objective=test/f1_macro", "train.epochs=2",
        "tracking.log_model=false", "tracking.pictures=false",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = runs_in(tmp_path)
    measured = {
        f"{part}{name}" for part in ("test/", "best/test/", "final/train_") for name in ("f1_macro", "auroc")
    }
    assert of_the_model(run) == EPOCH_METRICS | FINAL_METRICS | measured
    assert all(0.3 < run.data.metrics[name] <= 1 for name in measured)
    assert "test/f1_macro" in done.stdout
    artifacts = [file.path for file in client_of(tmp_path).list_artifacts(run.info.run_id)]
    assert "confusion_matrix_test.csv" in artifacts


BAD_COMMAND_LINES = [
    (["optim=momentun"], "optim: unknown 'momentun'. Did you mean 'momentum'? Known: adagrad, adam, "),
    (["optim.lrr=3"], "optim.lrr: unknown key 'lrr'. Did you mean 'lr'?"),
    (["model.layers.l1.init={type: normal, std: 0.1}"],
     "model.layers.l1.init.std: unknown key 'std'. Known: type. To give an argument that the YAML does not "
     "mention, write +model.layers.l1.init.std=…"),
    (["modle=mlp"], "modle: unknown key 'modle'. Did you mean 'model'?"),
    (["optim.type=momentun"],
     "optim.type: unknown 'momentun'. Did you mean 'momentum'? Known: adagrad, adam, "),
    (["optim.lr=-1", "train.batch_size=0"],
     "train.batch_size: 0 should be greater than 0\noptim.lr: -1 should be"),
    (["optim.lr=0.1,0.2"], "Ambiguous value for argument 'optim.lr=0.1,0.2'"),
    (["optim.lr=${nowhere}"], "optim.lr: Interpolation key 'nowhere' not found"),
    (["optim.lr"], "command: unknown 'optim.lr'"),
    (["seed=1", "optim.lr"], "Error parsing override 'optim.lr'"),
    (["+model.layers.l1.in_features=784"],
     "model.layers.l1: expects 784 inputs, gets 64 from model.layers.flat"),
    (["loss=mse"], "loss.type: 'mse' is for regression, but data.type 'digits' is classification."),
    (["--config-dir", "nowhere"], "nowhere' not found"),
    (["--resolve"], "--resolve flag can only be used"),
    (["hydra.job.chdir=true"],
     "hydra.job.chdir: true is not allowed, paths are relative to the launch folder"),
    (["-m", "tracking.experiment=a,b"], "tracking.experiment: cannot be swept"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD_COMMAND_LINES, ids=lambda value: str(value)[:40])
def test_a_bad_command_line_is_one_clear_message_and_exit_code_2(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = run_in(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    told = [
        line for line in done.stderr.splitlines() if not line.startswith("Error executing job")
    ]  # Hydra's
    assert len(told) == message.count("\n") + 1
    assert not (tmp_path / "outputs" / "mlflow.db").exists(), "no run is created"


def test_a_traceback_is_shown_to_who_asks_for_it(command_line: CommandLine) -> None:
    done = command_line("optim.lr=-1", HYDRA_FULL_ERROR="1")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


BAD_YAML = {
    "duplicate.yaml": (b"layers:\n  a: {type: flatten}\n  a: {type: relu}\n", "duplicate key"),
    "bytes.yaml": (b"layers: \xff\xfe\n", "a YAML file cannot be read"),
    "syntax.yaml": (b"layers: {a: [\n", "a YAML file cannot be read"),
    "empty.yaml": (b"", "model.layers"),
}


@pytest.mark.parametrize("name", BAD_YAML)
def test_yaml_that_cannot_be_read_is_one_clear_message(
    command_line: CommandLine, tmp_path: Path, name: str
) -> None:
    content, message = BAD_YAML[name]
    (tmp_path / "my" / "model").mkdir(parents=True)
    (tmp_path / "my" / "model" / name).write_bytes(content)
    done = command_line("--config-dir", "my", f"model={name.removesuffix('.yaml')}")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_users_own_yaml_joins(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "my" / "model").mkdir(parents=True)
    (tmp_path / "my" / "model" / "deep.yaml").write_text(
        "layers:\n  flat: {type: flatten}\n  l1: {type: linear, out_features: 32}\n  a1: {type: sigmoid}\n"
        "  l2: {type: linear, out_features: 16}\n  a2: {type: tanh}\n  l3: {type: linear}\n"
    )
    done = command_line(
        "--config-dir",
        "my",
        "model=deep",
        "train.epochs=1",
        "tracking.log_model=false",
        "tracking.pictures=false",
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(tmp_path)
    assert run.data.tags["model"] == "deep"
    assert (
        run.info.run_name == "deep-sgd epochs=1 log_model=false seed=0"
        or run.info.run_name == "deep-sgd epochs=1 seed=0"
    )


@pytest.mark.slow
def test_data_that_is_not_there_fails_the_run_and_says_why(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line("data=mnist", HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "data.root=<folder>" in done.stderr
    assert "Traceback" not in done.stderr
    (run,) = runs_in(tmp_path)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"] == done.stderr.strip()


@pytest.mark.slow
def test_a_store_that_cannot_be_written_is_told(command_line: CommandLine) -> None:
    done = command_line("tracking.uri=http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("tracking.uri: 'http://127.0.0.1:9' cannot be used: ")
    assert "Traceback" not in done.stderr


def start_long_run(folder: Path) -> subprocess.Popen[str]:
    """A run that would take hours, returned when its third epoch is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "train.epochs=1000000"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if re.match(r"epoch +3/", line):
            break
    return process


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_stopped_run_is_killed_with_what_it_measured(
    in_tmp_path: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start_long_run(tmp_path)
    deadline = time.monotonic() + 20
    while not runs_in(tmp_path)[0].data.metrics and time.monotonic() < deadline:
        time.sleep(0.1)
    (running,) = runs_in(tmp_path)
    assert running.info.status == "RUNNING"
    assert "train/loss" in running.data.metrics, "metrics are visible while the run goes on"
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    (run,) = runs_in(tmp_path)
    assert run.info.status == "KILLED"
    steps = sorted(m.step for m in client_of(tmp_path).get_metric_history(run.info.run_id, "test/loss"))
    assert steps == list(range(1, steps[-1] + 1)), "no epoch is lost in between"
    assert {file.path for file in client_of(tmp_path).list_artifacts(run.info.run_id)} >= {
        "runner.log",
        "traceback.txt",
    }


def test_a_run_whose_reader_goes_away_is_killed(in_tmp_path: Path, tmp_path: Path) -> None:
    process = start_long_run(tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=30)
    (run,) = runs_in(tmp_path)
    going_on = f"go on with  python -m runner resume={run.info.run_id}\n"
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, going_on)
    assert (run.info.status, run.data.tags["failure"]) == ("KILLED", "Terminated: SIGPIPE")


@pytest.mark.slow
def test_a_terminal_shows_a_progress_bar(in_tmp_path: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "train.epochs=30", "tracking.log_model=false"],
        cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "140"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # Linux says so when the other side is closed
            break
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "30/30" in text
    assert re.search(r"30/30 .*train/loss \d\.\d{4}  train/accuracy \d\.\d{4}", text)
    assert "epoch  1/30  train" not in text, "no plain lines beside the bar"


def test_help_lists_groups_and_options(command_line: CommandLine) -> None:
    done = command_line("--help")
    assert done.returncode == 0
    assert "optim: adagrad, adam, adamw" in done.stdout
    assert "batch_size: 128" in done.stdout


def test_the_working_folder_is_where_things_go(command_line: CommandLine, tmp_path: Path) -> None:
    done = command_line("--cfg", "job", "--resolve")
    config = yaml.safe_load(done.stdout)
    assert config["tracking"] == {
        "uri": f"sqlite:///{tmp_path}/outputs/mlflow.db", "experiment": "runner",
        "offline": False, "log_model": "auto", "pictures": "auto", "system_metrics": "auto",
        "register": None,
    }  # fmt: skip
    assert config["data"]["root"] == "outputs/data"
