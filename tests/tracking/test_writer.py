import time
from pathlib import Path

import pytest

from runner.errors import TrackingError
from runner.launch import Launch
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import TrackedRun
from runner.tracking.writer import MetricWriter


@pytest.fixture
def run(tmp_path: Path) -> TrackedRun:
    """A run that is open, and has its parameters."""
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = find_experiment(client, "runner")
    run = TrackedRun(client, experiment, {"seed": 1}, Launch(tmp_path, "mlp", (), "command"), {})
    run.log([])
    return run


def test_every_metric_arrives_once(run: TrackedRun) -> None:
    client, run_id = run.client, run.location.run_id
    writer = MetricWriter(run)
    for step in range(1, 1201):
        writer.write({"a": step / 2, "b": -step}, step)
    writer.close()
    for name, factor in (("a", 0.5), ("b", -1)):
        history = client.get_metric_history(run_id, name)
        assert {metric.step: metric.value for metric in history} == {s: s * factor for s in range(1, 1201)}
        assert len(history) == 1200


def test_metrics_are_visible_while_the_run_goes_on(run: TrackedRun) -> None:
    client, run_id = run.client, run.location.run_id
    writer = MetricWriter(run)
    writer.write({"a": 1.0}, 1)
    deadline = time.monotonic() + 10
    while "a" not in client.get_run(run_id).data.metrics and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.get_run(run_id).data.metrics == {"a": 1.0}
    writer.close()


def test_writing_does_not_wait_for_the_store(run: TrackedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.tracking.writer.INTERVAL", 60)
    client, run_id = run.client, run.location.run_id
    writer = MetricWriter(run)
    writer.write({"a": 1.0}, 1)
    assert client.get_run(run_id).data.metrics == {}, "handed over, not yet written"
    writer.close()
    assert client.get_run(run_id).data.metrics == {"a": 1.0}


def test_a_failed_write_is_raised_where_the_training_comes_by(run: TrackedRun) -> None:
    run.client.delete_run(run.location.run_id)
    writer = MetricWriter(run)
    writer.write({"a": 1.0}, 1)
    with pytest.raises(TrackingError, match="cannot be used"):
        writer.close()
    with pytest.raises(TrackingError, match="cannot be used"):
        writer.write({"a": 1.0}, 2)
