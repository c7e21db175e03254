"""The runner from Python."""

import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from mlflow import MlflowClient

import runner
from runner.data.digits import Digits
from tests.conftest import client_of, runs_in

QUICK = ["train.epochs=2", "tracking.log_model=false", "tracking.pictures=false"]


def test_a_run_returns_metrics_run_id_and_the_trained_model(
    in_tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = runner.run(["model=mlp", "optim=momentum", "train.metrics=[f1]", *QUICK])
    (run,) = runs_in(in_tmp_path)
    assert result.final["final/train_f1_macro"] > 0
    assert result.run_id == run.info.run_id
    assert [epoch.number for epoch in result.epochs] == [1, 2]
    assert run.data.metrics.items() >= result.epochs[-1].metrics.items()
    assert run.data.metrics.items() >= result.final.items()
    assert result.objective == result.epochs[-1].metrics["test/loss"]
    test = Digits().load().test
    with torch.no_grad():
        logits = result.model.forward(result.store, test.inputs)
    accuracy = (logits.argmax(1) == test.targets).float().mean().item()
    assert accuracy == pytest.approx(result.epochs[-1].metrics["test/accuracy"])
    assert capfd.readouterr().out == ""
    assert (result.folder / ".hydra" / "config.yaml").exists()
    assert result.folder.is_relative_to(in_tmp_path / "outputs" / "runs")


def test_python_and_the_command_line_give_the_same_numbers(in_tmp_path: Path) -> None:
    result = runner.run(["optim=momentum", "seed=5", *QUICK])
    command = [sys.executable, "-m", "runner", "optim=momentum", "seed=5", *QUICK]
    subprocess.run(command, check=True, capture_output=True)
    typed, called = runs_in(in_tmp_path)
    assert (
        typed.data.metrics["train/loss"]
        == called.data.metrics["train/loss"]
        == result.epochs[-1].metrics["train/loss"]
    )
    assert typed.data.params == called.data.params
    assert typed.info.run_name == called.info.run_name
    assert typed.data.tags["config_hash"] == called.data.tags["config_hash"]


@pytest.mark.slow
def test_the_environment_wins_over_the_default_and_an_override_over_both(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{in_tmp_path}/env.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    for override, store, experiment in [
        ([], "env.db", "theirs"),
        (["tracking.uri=sqlite:///typed.db", "tracking.experiment=mine"], "typed.db", "mine"),
    ]:
        result = runner.run([*override, *QUICK])
        client = MlflowClient(f"sqlite:///{in_tmp_path}/{store}")
        run = client.get_run(result.run_id)
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        assert run.info.experiment_id == found.experiment_id
    assert client_of(in_tmp_path).get_experiment_by_name("theirs") is None


def test_a_wrong_config_is_an_exception_and_leaves_nothing(in_tmp_path: Path) -> None:
    with pytest.raises(runner.ConfigError, match="Did you mean 'momentum'"):
        runner.run(["optim=momentun"])
    with pytest.raises(runner.ConfigError, match=r"optim\.lr: -1"):
        runner.run(["optim.lr=-1"])
    assert [path.name for path in in_tmp_path.rglob("*")] == ["outputs", "mlflow.db"]
    assert client_of(in_tmp_path).get_experiment_by_name("runner") is None


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_and_another_seed_another_result(in_tmp_path: Path) -> None:
    one, same, other = (runner.run([f"seed={seed}", *QUICK]) for seed in (1, 1, 2))
    assert torch.equal(one.store.params, same.store.params)
    assert not torch.equal(one.store.params, other.store.params)
    losses = [[epoch.metrics["train/loss"] for epoch in result.epochs] for result in (one, same, other)]
    assert losses[0] == losses[1] != losses[2]
    hashes = [run.data.tags["config_hash"] for run in reversed(runs_in(in_tmp_path))]
    assert hashes[0] == hashes[1] != hashes[2]


def test_regression_logs_no_accuracy(in_tmp_path: Path) -> None:
    result = runner.run(["data=linear", "loss=mse", "model=linear", "optim.lr=0.1", "train.epochs=20"])
    (run,) = runs_in(in_tmp_path)
    assert not [name for name in run.data.metrics if "accuracy" in name]
    assert result.objective < 0.02, "the noise is 0.01"
    assert run.data.tags["data"] == "linear"


def test_regression_learns_with_the_defaults_too(in_tmp_path: Path) -> None:
    result = runner.run(["data=linear", "loss=mse", "tracking.log_model=false", "tracking.pictures=false"])
    assert result.objective < 0.1


def test_a_run_that_diverges_is_failed_with_its_epoch(in_tmp_path: Path) -> None:
    with pytest.raises(runner.DivergedError) as error:
        runner.run(["data=linear", "loss=mse", "optim.lr=1e6"])
    told = (
        r"epoch 1: train/loss is (nan|inf) \(step 3 of 7: the loss is no finite number\)\. "
        r"A smaller optim\.lr \(1000000\.0 now\)"
    )
    assert re.match(told, str(error.value))
    (run,) = runs_in(in_tmp_path)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"] == str(error.value)
    assert client_of(in_tmp_path).get_metric_history(run.info.run_id, "train/loss")[0].step == 1


def test_an_interpolation_between_options_is_followed(in_tmp_path: Path) -> None:
    runner.run(["data=linear", "loss=mse", "data.targets=${.features}", *QUICK])
    assert runs_in(in_tmp_path)[0].data.params["data.targets"] == "8"


def test_more_parameters_than_memory_holds_are_told(in_tmp_path: Path) -> None:
    with pytest.raises(runner.RunnerError, match=r"^model: does not fit into memory: no room for 75"):
        runner.run(["model.layers.l1.out_features=1000000000000"])
    assert runs_in(in_tmp_path)[0].info.status == "FAILED"


def test_the_run_can_be_shown(in_tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner.run(QUICK, show=True)
    assert "epoch 2/2" in capfd.readouterr().out


def test_own_yaml_joins(in_tmp_path: Path) -> None:
    (in_tmp_path / "my" / "optim").mkdir(parents=True)
    (in_tmp_path / "my" / "optim" / "slow.yaml").write_text("type: sgd\nlr: 0.001\n")
    result = runner.run(["optim=slow", *QUICK], config_dir="my")
    assert result.epochs[0].metrics["lr"] == 0.001


def test_only_the_first_samples_are_used_where_a_limit_is_set(in_tmp_path: Path) -> None:
    correct = runner.run(["data.limit=100", *QUICK]).epochs[0].metrics["train/accuracy"] * 100
    assert correct == pytest.approx(round(correct))


def test_keeping_the_order_takes_the_randomness_out_of_batches(in_tmp_path: Path) -> None:
    fixed = [f"model.layers.{name}.init.type=zeros" for name in ("l1", "l2")]
    losses = [
        runner.run(["train.shuffle=false", f"seed={seed}", *fixed, *QUICK]).epochs[-1].metrics["train/loss"]
        for seed in (0, 1)
    ]
    assert losses[0] == losses[1]


def test_a_folder_of_yaml_that_is_not_there_is_told(in_tmp_path: Path) -> None:
    with pytest.raises(runner.ConfigError, match=r"config_dir: .*nowhere' is not a folder"):
        runner.run(config_dir="nowhere")


def test_a_program_that_uses_hydra_and_logging_itself_is_left_alone(
    in_tmp_path: Path,
) -> None:
    seen = io.StringIO()
    theirs = logging.StreamHandler(seen)
    logging.getLogger().addHandler(theirs)
    folder = in_tmp_path / "my (work), x"
    folder.mkdir()
    (folder / "theirs.yaml").write_text("answer: 42\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        result = runner.run([*QUICK, "hydra.run.dir=fixed", "hydra.output_subdir=null"], config_dir=folder)
        assert compose("theirs").answer == 42
    assert result.folder == in_tmp_path / "fixed"
    logging.getLogger().removeHandler(theirs)
    assert seen.getvalue() == ""
    assert "epoch 2/2" in (result.folder / "runner.log").read_text()
