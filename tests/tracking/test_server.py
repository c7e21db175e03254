"""The same program against an MLflow server."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import run_in
from tests.faults.servers import Server


@pytest.mark.slow
def test_a_run_against_a_server_is_all_there(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        done = run_in(tmp_path, f"tracking.uri={server.uri}", "train.epochs=3")
        assert done.returncode == 0, done.stderr
        client = MlflowClient(server.uri)
        found = client.get_experiment_by_name("runner")
        assert found is not None
        (run,) = client.search_runs([found.experiment_id])
        assert run.info.status == "FINISHED"
        assert len(client.get_metric_history(run.info.run_id, "train/loss")) == 3
        assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"config.yaml", "runner.log"}
        experiment = run.info.experiment_id
        assert done.stdout.splitlines()[-1].endswith(
            f"{server.uri}/#/experiments/{experiment}/runs/{run.info.run_id}"
        )
        assert not (tmp_path / "outputs" / "mlflow.db").exists()
        model = client.search_logged_models([experiment])[0]
        assert (model.name, model.source_run_id, str(model.status)) == ("model", run.info.run_id, "READY")
