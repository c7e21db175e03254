"""``tracking.register`` makes a run's model a version in MLflow's registry, once, whatever happens."""

import os
from collections.abc import Iterator
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

import runner
from runner.tracking.resend import journals_in, resend
from tests.conftest import CommandLine, run_in, runs_in
from tests.faults.servers import Proxy, Server

QUICK = ["data=iris", "train.epochs=2"]


def versions(uri: str, name: str) -> list[ModelVersion]:
    """All versions of a registered model, the first one first."""
    found = MlflowClient(uri).search_model_versions(f"name = '{name}'")
    return sorted(found, key=lambda each: int(each.version))


@pytest.mark.slow
def test_a_run_s_model_is_a_version_that_loads_by_its_alias(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = runner.run([*QUICK, "tracking.register=flowers"])
    uri = first.tracking_uri
    second = runner.run([*QUICK, "tracking.register=flowers", "seed=1"])
    champion = runner.run([*QUICK, "tracking.register=flowers@champion", "seed=2"])
    found = versions(uri, "flowers")
    assert [each.run_id for each in found] == [first.run_id, second.run_id, champion.run_id]
    assert found[0].description == f"test/loss {first.objective:.4g} after 2 epochs, iris"
    assert float(found[0].tags["test/loss"]) == first.objective
    client = MlflowClient(uri)
    assert client.get_registered_model("flowers").aliases == {"newest": 2, "champion": 3}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    model = mlflow.pyfunc.load_model("models:/flowers@newest")
    assert model.metadata.run_id == second.run_id
    assert model.predict(model.input_example)["class"].isin(["setosa", "versicolor", "virginica"]).all()


def test_what_waits_in_the_journal_is_registered_once(in_tmp_path: Path) -> None:
    result = runner.run([*QUICK, "tracking.register=later", "tracking.offline=true"])
    events = (result.folder / "events.jsonl").read_bytes()
    resend(result.folder)
    (version,) = versions(result.tracking_uri, "later")
    outputs = MlflowClient(result.tracking_uri).get_run(str(version.run_id)).outputs
    assert outputs is not None
    assert outputs.model_outputs[0].model_id in str(version.source)
    (result.folder / "events.jsonl").write_bytes(events)  # as if nobody had noted that it has been told
    resend(result.folder)
    assert len(versions(result.tracking_uri, "later")) == 1


@pytest.mark.slow
def test_every_job_of_a_sweep_is_registered_if_asked(command_line: CommandLine, in_tmp_path: Path) -> None:
    for mode in ("stacked", "solo"):
        done = command_line("-m", *QUICK, "seed=0,1,2", f"tracking.register={mode}", f"sweep.mode={mode}")
        assert done.returncode == 0, done.stderr
        uri = f"sqlite:///{in_tmp_path}/outputs/mlflow.db"
        found = versions(uri, mode)
        of_jobs = {run.info.run_id for run in runs_in(in_tmp_path)}
        assert len({each.run_id for each in found}) == len(found) == 3
        assert {each.run_id for each in found} <= of_jobs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("dropped", ["registered-models/create", "model-versions/create", "alias"])
def test_a_reply_that_is_lost_makes_no_second_version(server: Server, tmp_path: Path, dropped: str) -> None:
    name = dropped.replace("/", "-")
    lost: list[bytes] = []

    def fault(line: bytes) -> str:
        if dropped.encode() in line and line.startswith(b"POST") and not lost:
            lost.append(line)
            return "drop"
        return "pass"

    with Proxy(server.port) as proxy:
        proxy.fault = fault
        done = run_in(tmp_path, *QUICK, f"tracking.uri={proxy.uri}", f"tracking.register={name}")
        assert done.returncode == 0, done.stderr
        for folder in journals_in(tmp_path):  # which a busy machine may not have come to
            resend(folder)
    assert lost
    (version,) = versions(server.uri, name)
    aliases = MlflowClient(server.uri).get_registered_model(name).aliases
    assert {alias: str(number) for alias, number in aliases.items()} == {"newest": str(version.version)}
    os.environ["MLFLOW_TRACKING_URI"] = server.uri
    try:
        model = mlflow.pyfunc.load_model(f"models:/{name}@newest")
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
    assert np.isfinite(model.predict(model.input_example)["probability_setosa"]).all()
