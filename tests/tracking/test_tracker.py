"""A run in the store says truthfully what happened to it."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from runner.config.plain import Plain
from runner.errors import DataError, TrackingError
from runner.process.launch import Launch
from runner.process.signals import Terminated
from runner.tracking import events
from runner.tracking.events import VALUE_LENGTH
from runner.tracking.journal import Event
from runner.tracking.location import Location
from runner.tracking.tracker import Tracker
from tests.config.test_check import plain
from tests.conftest import client_of, runs_in


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
    original = events.ended

    def interrupted_end(*arguments: Any) -> list[Event]:
        signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(events, "ended", interrupted_end)
    with pytest.raises(KeyboardInterrupt), Tracker(config, launch(tmp_path), {}):
        pass
    assert only_run(tmp_path).info.status == "FINISHED"


def test_a_signal_while_the_run_is_opened_leaves_it_killed(
    config: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Tracker._open

    def interrupted_open(self: Tracker, first: Event) -> Location:
        signal.raise_signal(signal.SIGINT)
        return original(self, first)

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


def test_metrics_that_the_store_refuses_stay_on_disk_and_the_run_ends(
    config: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Tracker(config, launch(tmp_path), {}) as tracker:
        tracker.metrics({"longer than MLflow takes" * 20: 1.0}, 1)
    run = only_run(tmp_path)
    assert run.info.status == "FAILED", "not FINISHED without all its rows"
    assert run.data.tags["failure"].startswith("the store did not take all of the run: 'Metric name'")
    assert "to send them: python -m runner sync" in capsys.readouterr().err
    assert "longer than MLflow takes" in (tmp_path / "events.jsonl").read_text()


def test_a_run_whose_folder_is_written_by_another_is_not_opened(config: Plain, tmp_path: Path) -> None:
    with Tracker(config, launch(tmp_path), {}) as first:
        with pytest.raises(TrackingError, match="another process"), Tracker(config, launch(tmp_path), {}):
            pytest.fail("the run must not start")
        first.metrics({"train/loss": 0.5}, 1)
    assert only_run(tmp_path).data.metrics == {"train/loss": 0.5}


def test_what_has_been_told_leaves_no_journal(config: Plain, tmp_path: Path) -> None:
    with Tracker(config, launch(tmp_path), {}) as tracker:
        tracker.metrics({"train/loss": 0.5}, 1)
    assert not list(tmp_path.glob("events.*"))


def test_a_run_that_is_reopened_goes_on_and_tells_nothing_twice(config: Plain, tmp_path: Path) -> None:
    def interrupted() -> None:
        with Tracker(config, launch(tmp_path), {}) as tracker:
            for step in (1, 2):
                tracker.metrics({"train/loss": step / 2, "lr": 0.1}, step)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    run_id = only_run(tmp_path).info.run_id
    with Tracker(config, launch(tmp_path), {}, run_id) as tracker:
        assert tracker.location.run_id == run_id
        assert only_run(tmp_path).info.status == "RUNNING"
        for step in (2, 3):
            tracker.metrics({"train/loss": step / 2, "lr": 0.1}, step)
    run = only_run(tmp_path)
    assert run.info.status == "FINISHED"
    assert "failure" not in run.data.tags
    rows = client_of(tmp_path).get_metric_history(run_id, "train/loss")
    assert sorted((row.step, row.value) for row in rows) == [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_every_metric_arrives_once(config: Plain, tmp_path: Path) -> None:
    with Tracker(config, launch(tmp_path), {}) as tracker:
        for step in range(1, 1201):
            tracker.metrics({"a": step / 2, "b": -step}, step)
    run_id = only_run(tmp_path).info.run_id
    for name, factor in (("a", 0.5), ("b", -1)):
        history = client_of(tmp_path).get_metric_history(run_id, name)
        assert len(history) == 1200
        assert {metric.step: metric.value for metric in history} == {s: s * factor for s in range(1, 1201)}


def test_metrics_are_visible_while_the_run_goes_on(config: Plain, tmp_path: Path) -> None:
    with Tracker(config, launch(tmp_path), {}) as tracker:
        tracker.metrics({"a": 1.0}, 1)
        deadline = time.monotonic() + 10
        while "a" not in only_run(tmp_path).data.metrics and time.monotonic() < deadline:
            time.sleep(0.05)
        assert only_run(tmp_path).data.metrics == {"a": 1.0}


def test_how_to_look_at_a_run(in_tmp_path: Path) -> None:
    here = Location(f"sqlite:///{in_tmp_path}/outputs/mlflow.db", "1", "abc")
    assert here.how_to_look == "python -m runner ui"
    elsewhere = Location("sqlite:////a folder/mlflow.db", "1", "abc")
    assert elsewhere.how_to_look == "python -m runner ui 'tracking.uri=sqlite:////a folder/mlflow.db'"
    server = Location("http://127.0.0.1:5000/", "1", "abc")
    assert server.how_to_look == "http://127.0.0.1:5000/#/experiments/1/runs/abc"
