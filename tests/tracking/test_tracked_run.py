"""A run in MLflow, call by call."""

import os
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from mlflow.entities import Metric

from runner.config import sqlite_uri
from runner.tracking.data_input import DataInput
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import find_made, make


@pytest.mark.slow
def test_more_parameters_and_metrics_than_mlflow_takes_in_a_call_all_arrive(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    params = {f"key_{number}": str(number) for number in range(250)}
    run = make(client, find_experiment(client, "runner"), "name", {}, 0)
    run.log([Metric("a", step / 2, 0, step) for step in range(2500)], params)
    run.log([Metric("a", 0.0, 0, 2500)])
    stored = client.get_run(run.location.run_id)
    assert stored.data.params == params
    history = client.get_metric_history(run.location.run_id, "a")
    assert {row.step: row.value for row in history} == {s: s / 2 for s in range(2500)} | {2500: 0.0}
    assert len(history) == 2501


def test_artifacts_lie_where_the_client_finds_them(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    run = make(client, find_experiment(client, "runner"), "name", {}, 0)
    (tmp_path / "config.yaml").write_text("seed: 1")
    (tmp_path / "more.txt").write_text("more")
    run.leave(tmp_path, ["config.yaml", "more.txt", "missing.txt"])
    listed = [file.path for file in client.list_artifacts(run.location.run_id)]
    assert sorted(listed) == ["config.yaml", "more.txt"]


def test_what_was_being_uploaded_by_a_process_that_was_killed_is_no_artifact(in_tmp_path: Path) -> None:
    """While another process's upload goes on."""
    client = connect(sqlite_uri.from_path(in_tmp_path / "outputs" / "mlflow.db"))
    run = make(client, find_experiment(client, "runner"), "name", {}, 0)
    (in_tmp_path / "config.yaml").write_text("seed: 1")
    run.leave(in_tmp_path, ["config.yaml"])
    place = Path(run.artifact_uri.removeprefix("file://"))
    for name, age in {"left": -60, "going on": 60}.items():
        (place / f".artifact.uploading.{name}").write_text("half")
        os.utime(place / f".artifact.uploading.{name}", times=(time.time() + age,) * 2)
    run.end("FINISHED")
    assert {path.name for path in place.iterdir()} == {"config.yaml", ".artifact.uploading.going on"}


@pytest.mark.slow
def test_all_may_be_told_again(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = find_experiment(client, "runner")
    run = make(client, experiment, "name", {"runner.token": "abc"}, 0)
    data = DataInput({"type": "digits"}, "0123456789abcdef", {"train": 2}, (8,), (10,))
    for _ in range(2):
        run.log([Metric("a", 0.5, 7, 1), Metric("b", float("nan"), 7, 1)], {"key": "value"})
        run.learns_from(asdict(data))
        run.end("FAILED", "why", 9)
    stored = client.get_run(run.location.run_id)
    assert len(client.get_metric_history(run.location.run_id, "a")) == 1
    assert len(client.get_metric_history(run.location.run_id, "b")) == 1
    assert stored.inputs is not None
    assert len(stored.inputs.dataset_inputs) == 1
    assert (stored.info.status, stored.info.end_time, stored.data.tags["failure"]) == ("FAILED", 9, "why")
    found = find_made(client, experiment, "abc")
    assert found is not None
    assert found.location == run.location
    assert find_made(client, experiment, "another") is None
