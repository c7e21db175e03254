"""A run in MLflow, call by call."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlflow.entities import Metric

from runner.data_input import DataInput
from runner.launch import Launch
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import TrackedRun


def test_more_parameters_and_metrics_than_mlflow_takes_in_a_call_all_arrive(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    plain = {f"key_{number}": number for number in range(250)}
    experiment = find_experiment(client, "runner")
    run = TrackedRun(client, experiment, plain, Launch(tmp_path, "mlp", (), "command"), {})
    run.log([Metric("a", step / 2, 0, step) for step in range(2500)])
    run.log([Metric("a", 0.0, 0, 2500)])
    stored = client.get_run(run.location.run_id)
    assert stored.data.params == {key: str(value) for key, value in plain.items()}
    history = client.get_metric_history(run.location.run_id, "a")
    assert {row.step: row.value for row in history} == {s: s / 2 for s in range(2500)} | {2500: 0.0}
    assert len(history) == 2501


def test_artifacts_lie_where_the_client_finds_them(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = find_experiment(client, "runner")
    run = TrackedRun(client, experiment, {}, Launch(tmp_path, "mlp", (), "command"), {})
    (tmp_path / "more.txt").write_text("more")
    run.leave({"config.yaml": "seed: 1"}, [tmp_path / "more.txt", tmp_path / "missing.txt"])
    listed = [file.path for file in client.list_artifacts(run.location.run_id)]
    assert sorted(listed) == ["config.yaml", "more.txt"]


def test_many_runs_may_tell_of_a_new_data_set_at_once(tmp_path: Path) -> None:
    client = connect(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = find_experiment(client, "runner")
    launch = Launch(tmp_path, "mlp", (), "command")
    runs = [TrackedRun(client, experiment, {"seed": seed}, launch, {}) for seed in range(16)]
    data = DataInput({"type": "digits"}, "0123456789abcdef", {"train": 2}, (8,), (10,))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda run: run.learns_from(data), runs))
    stored = [client.get_run(run.location.run_id).inputs for run in runs]
    assert [len(inputs.dataset_inputs) for inputs in stored if inputs] == [1] * 16
