"""A run in the store says truthfully what happened to it."""

import signal
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from runner.errors import DataError, TrackingError
from runner.launch import Launch
from runner.plain import Plain
from runner.signals import Terminated
from runner.tracking.location import Location
from runner.tracking.tracked_run import VALUE_LENGTH
from runner.tracking.tracker import Tracker
from tests.conftest import client_of, runs_in
from tests.test_config import plain


@pytest.fixture
def config(in_tmp_path: Path) -> Plain:
    return plain()


def launch(folder: Path) -> Launch:
    return Launch(folder=folder, model="mlp", differing=("seed=3",), command="python -m runner seed=3")


def only_run(folder: Path) -> Run:
    (run,) = runs_in(folder)
    return run


def artifacts(folder: Path) -> set[str]:
    return {file.path for file in client_of(folder).list_artifacts(only_run(folder).info.run_id)}


def test_a_run_that_ends_well_is_finished(config: Plain, tmp_path: Path) -> None:
    (tmp_path / "runner.log").write_text("what happened")
    with Tracker(config, launch(tmp_path), {"device": "cpu"}) as tracker:
        assert only_run(tmp_path).info.status == "RUNNING"
        tracker.metrics({"train/loss": 0.5}, 1)
    run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "mlp-sgd seed=3"
    assert run.data.params["optim.lr"] == "0.3"
    assert run.data.params["model.layers.l1.init.type"] == "default"
    assert run.data.tags.items() >= {
        "model": "mlp", "optim": "sgd", "data": "digits", "device": "cpu",
        "runner_version": "0.1.0", "command": "python -m runner seed=3",
    }.items()  # fmt: skip
    assert run.data.metrics == {"train/loss": 0.5}
    assert artifacts(tmp_path) == {"config.yaml", "runner.log"}
    assert "failure" not in run.data.tags


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (DataError("no such file"), "FAILED", "no such file"),
        (ZeroDivisionError("by zero"), "FAILED", "ZeroDivisionError: by zero"),
        (SystemExit(0), "FAILED", "SystemExit: 0"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (Terminated(), "KILLED", "Terminated: SIGTERM"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_run_that_ends_otherwise_says_how_and_why(
    config: Plain, tmp_path: Path, error: BaseException, status: str, reason: str
) -> None:
    def interrupted() -> None:
        with Tracker(config, launch(tmp_path), {}) as tracker:
            tracker.metrics({"train/loss": 0.5}, 1)
            raise error

    with pytest.raises(type(error)):
        interrupted()
    run = only_run(tmp_path)
    assert (run.info.status, run.data.tags["failure"]) == (status, reason)
    assert run.data.metrics == {"train/loss": 0.5}, "what was measured before is kept"
    assert "traceback.txt" in artifacts(tmp_path)


def test_a_signal_while_the_run_is_closed_waits_until_it_is(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Tracker._end

    def interrupted_end(self: Tracker, *arguments: object) -> None:
        signal.raise_signal(signal.SIGINT)
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Tracker, "_end", interrupted_end)
    with pytest.raises(KeyboardInterrupt), Tracker(config, launch(tmp_path), {}):
        pass
    assert only_run(tmp_path).info.status == "FINISHED"


def test_a_signal_while_the_run_is_opened_leaves_it_killed(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Tracker._open

    def interrupted_open(self: Tracker, client: MlflowClient, experiment_id: str) -> None:
        signal.raise_signal(signal.SIGINT)
        original(self, client, experiment_id)

    monkeypatch.setattr(Tracker, "_open", interrupted_open)
    with pytest.raises(KeyboardInterrupt), Tracker(config, launch(tmp_path), {}):
        pytest.fail("the run must not start")
    assert only_run(tmp_path).info.status == "KILLED"


def test_more_params_than_a_call_takes_and_longer_ones_than_a_value_holds(
    config: Plain, tmp_path: Path
) -> None:
    config["model"]["layers"] = {f"l{i}": {"type": "linear", "out_features": i} for i in range(150)}
    config["objective"] = "x" * 7000
    with Tracker(config, launch(tmp_path), {}):
        pass
    params = only_run(tmp_path).data.params
    assert sum(name.startswith("model.layers.") for name in params) == 300
    assert len(params["objective"]) == VALUE_LENGTH


def test_lost_metrics_make_a_run_fail(config: Plain, tmp_path: Path) -> None:
    with pytest.raises(TrackingError), Tracker(config, launch(tmp_path), {}) as tracker:
        tracker.metrics({"longer than MLflow takes" * 20: 1.0}, 1)
    run = only_run(tmp_path)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].startswith("tracking.uri:")


def test_artifacts_that_cannot_be_written_make_a_run_fail_and_end(config: Plain, tmp_path: Path) -> None:
    def blocked() -> None:
        with Tracker(config, launch(tmp_path), {}):
            (tmp_path / "runner.log").write_text("what happened")
            artifacts = tmp_path / "outputs" / "mlartifacts"
            artifacts.rename(tmp_path / "gone")
            artifacts.write_text("a file in the way")

    with pytest.raises(TrackingError, match="cannot be used"):
        blocked()
    assert only_run(tmp_path).info.status == "FAILED"


def test_how_to_look_at_a_run(in_tmp_path: Path) -> None:
    here = Location(f"sqlite:///{in_tmp_path}/outputs/mlflow.db", "1", "abc")
    assert here.how_to_look == "mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db"
    elsewhere = Location("sqlite:////a folder/mlflow.db", "1", "abc")
    assert elsewhere.how_to_look == "mlflow ui --backend-store-uri 'sqlite:////a folder/mlflow.db'"
    server = Location("http://127.0.0.1:5000/", "1", "abc")
    assert server.how_to_look == "http://127.0.0.1:5000/#/experiments/1/runs/abc"
