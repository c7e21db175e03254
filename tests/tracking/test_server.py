"""The same program against an MLflow server."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.conftest import run_in


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server on loopback, ended with its workers."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
             "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db",
             "--artifacts-destination", str(folder / "artifacts")],
            cwd=folder, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{uri}/health", process, folder / "server.log")
        yield uri
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    pytest.fail(f"the server did not start: {log.read_text()}")


@pytest.mark.slow
def test_a_run_against_a_server_is_all_there(server: str, tmp_path: Path) -> None:
    done = run_in(tmp_path, f"tracking.uri={server}", "train.epochs=3")
    assert done.returncode == 0, done.stderr
    client = MlflowClient(server)
    found = client.get_experiment_by_name("runner")
    assert found is not None
    (run,) = client.search_runs([found.experiment_id])
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) == 3
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {"config.yaml", "runner.log"}
    experiment = run.info.experiment_id
    assert done.stdout.splitlines()[-1].endswith(
        f"{server}/#/experiments/{experiment}/runs/{run.info.run_id}"
    )
    assert not (tmp_path / "outputs" / "mlflow.db").exists()
    model = client.search_logged_models([experiment])[0]
    assert (model.name, model.source_run_id, str(model.status)) == ("model", run.info.run_id, "READY")
