"""Tracking never kills training and never loses rows: servers that stop, hang, refuse, or drop replies."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from runner.errors import TrackingError
from runner.process.launch import Launch
from runner.tracking.tracker import Tracker
from tests.config.test_check import plain
from tests.conftest import run_in
from tests.faults.postgres import Postgres, programs
from tests.faults.servers import Proxy, Server

EPOCHS = 20
SLOWED = ("data=spirals", "data.samples=20000", "model.layers.l1.out_features=64", f"train.epochs={EPOCHS}")
"""A run whose epochs take long enough for something to happen in between."""

PAUSED = """
import time
from pathlib import Path


class Paused:
    per_step = False

    def factor(self, moment):
        while moment.epoch >= 15 and not Path("go_on").exists():
            time.sleep(0.1)
        return 1.0


SCHEDULES = {"paused": Paused}
"""
"""A run that is not over before it may be, on a fast machine as on a slow one."""

USES_PAUSED = ("plugins=[./paused.py]", "schedule=own", "schedule.type=paused")

QUICK = ("data=iris", f"train.epochs={EPOCHS}", "tracking.log_model=false")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


def runs_of(uri: str, experiment: str) -> list[Run]:
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def history(uri: str, run: Run) -> dict[str, list[tuple[int, float]]]:
    """Every metric's rows, but for those that measure time or the machine."""
    client = MlflowClient(uri)
    return {
        name: sorted((row.step, row.value) for row in client.get_metric_history(run.info.run_id, name))
        for name in run.data.metrics
        if not name.startswith(("time/", "system/"))
    }


def assert_whole(uri: str, experiment: str) -> Run:
    """One run, FINISHED, with every row once."""
    (run,) = runs_of(uri, experiment)
    assert run.info.status == "FINISHED"
    rows = history(uri, run)
    assert [step for step, _ in rows["train/loss"]] == list(range(1, EPOCHS + 1))
    assert [step for step, _ in rows["test/loss"]] == list(range(1, EPOCHS + 1))
    assert len(rows["best/epoch"]) == len(rows["final/train_accuracy"]) == 1
    return run


def sync(folder: Path, uri: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runner.sync", "outputs", f"tracking.uri={uri}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["503", "hang", "gone"])
def test_a_server_that_is_down_at_the_start_is_told_soon_and_leaves_nothing(
    tmp_path: Path, fault: str
) -> None:
    with Proxy() as proxy:
        proxy.fault = lambda _: fault
        if fault == "gone":
            proxy.server_close()
        config = plain()
        config["tracking"]["uri"] = proxy.uri
        started = time.monotonic()
        tracker = Tracker(config, Launch(tmp_path, "mlp", (), "command"), {})
        with pytest.raises(TrackingError) as error, tracker:
            pytest.fail("nothing can be tracked")
        assert time.monotonic() - started < 10, "a process takes a few seconds more, and should be within 15"
    assert str(error.value).startswith(f"tracking.uri: '{proxy.uri}' cannot be used: ")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("events.*"))


@pytest.mark.slow
def test_the_same_history_through_a_server_and_in_sqlite(server: Server, tmp_path: Path) -> None:
    for uri in (server.uri, f"sqlite:///{tmp_path}/outputs/mlflow.db"):
        done = run_in(tmp_path, f"tracking.uri={uri}", "tracking.experiment=same", *QUICK)
        assert done.returncode == 0, done.stderr
    sqlite = f"sqlite:///{tmp_path}/outputs/mlflow.db"
    (there,), (here,) = runs_of(server.uri, "same"), runs_of(sqlite, "same")
    assert history(server.uri, there) == history(sqlite, here)
    tracking = re.compile(r"tracking\.")
    there_params, here_params = (
        {key: value for key, value in run.data.params.items() if not tracking.match(key)}
        for run in (there, here)
    )
    assert there_params == here_params


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["500", "503", "429", "hang", "drop"])
def test_a_server_that_misbehaves_for_a_while_loses_nothing(
    proxy: Proxy, server: Server, tmp_path: Path, fault: str
) -> None:
    began: list[float] = []

    def misbehave(line: bytes) -> str:
        if b"log-batch" not in line and not began:
            return "pass"
        began.append(time.monotonic())
        return fault if time.monotonic() - began[0] < 6 else "pass"

    proxy.fault = misbehave
    name = f"misbehaves {fault}"
    done = run_in(tmp_path, f"tracking.uri={proxy.uri}", f"tracking.experiment='{name}'", *QUICK)
    assert done.returncode == 0, done.stderr
    if "runner sync" in done.stderr:
        assert sync(tmp_path, proxy.uri).returncode == 0
    assert_whole(server.uri, name)
    assert not list(tmp_path.rglob("events.*"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_replies_that_are_dropped_now_and_then_double_nothing(
    proxy: Proxy, server: Server, tmp_path: Path, seed: int
) -> None:
    def every_third(line: bytes) -> str:
        if not any("runs/create" in each for each in proxy.seen):
            return "pass"  # a start that fails is an error, and leaves nothing to lose
        return "drop" if b"POST" in line and len(proxy.seen) % 3 == seed % 3 else "pass"

    proxy.fault = every_third
    name = f"dropped {seed}"
    arguments = ("data=iris", f"train.epochs={EPOCHS}", f"tracking.log_model={seed == 3}")
    done = run_in(tmp_path, f"tracking.uri={proxy.uri}", f"tracking.experiment='{name}'", *arguments)
    assert done.returncode == 0, done.stderr
    proxy.fault = lambda _: "pass"
    if "runner sync" in done.stderr:
        assert sync(tmp_path, proxy.uri).returncode == 0
    run = assert_whole(server.uri, name)
    models = MlflowClient(server.uri).search_logged_models([run.info.experiment_id])
    assert len(models) == (seed == 3)


@pytest.mark.slow
def test_a_server_that_takes_a_quarter_of_a_second_a_request_gets_rows_and_model(
    proxy: Proxy, server: Server, tmp_path: Path
) -> None:
    def slow(_: bytes) -> str:
        time.sleep(0.25)
        return "pass"

    proxy.fault = slow
    arguments = ("data=iris", f"train.epochs={EPOCHS}", "tracking.experiment=slow")
    done = run_in(tmp_path, f"tracking.uri={proxy.uri}", *arguments)
    assert done.returncode == 0, done.stderr
    assert "runner sync" not in done.stderr
    run = assert_whole(server.uri, "slow")
    (model,) = MlflowClient(server.uri).search_logged_models([run.info.experiment_id])
    assert model.status == "READY"


@pytest.mark.slow
def test_a_server_that_lets_nobody_in_for_some_seconds_gets_all_rows(
    proxy: Proxy, server: Server, tmp_path: Path
) -> None:
    shut: list[float] = []

    def shut_out(line: bytes) -> str:
        if b"log-batch" in line and not shut:
            shut.append(time.monotonic())
        return "401" if shut and time.monotonic() - shut[0] < 4 else "pass"

    proxy.fault = shut_out
    done = run_in(tmp_path, f"tracking.uri={proxy.uri}", "tracking.experiment=shut", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "runner sync" not in done.stderr
    assert_whole(server.uri, "shut")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    folder = programs()
    if folder is None or find_spec("psycopg") is None:
        pytest.skip("PostgreSQL (Debian: postgresql) or psycopg (pip install -e '.[test]') is not installed")
    with Postgres(folder) as postgres:
        yield postgres


@pytest.mark.slow
def test_a_postgresql_without_tables_gets_every_row_once(postgres: Postgres, tmp_path: Path) -> None:
    """MLflow makes its tables there first, which takes longer than a store is waited for otherwise."""
    done = run_in(tmp_path, f"tracking.uri={postgres.uri}", "tracking.experiment=new", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "runner sync" not in done.stderr
    assert_whole(postgres.uri, "new")


@pytest.mark.slow
def test_a_postgresql_that_is_stopped_meanwhile_gets_every_row_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    (tmp_path / "paused.py").write_text(PAUSED)
    named = ("tracking.experiment=stopped", "tracking.log_model=false")
    process = stopped_in_training(postgres, tmp_path, *USES_PAUSED, *named)
    time.sleep(3)
    postgres.start()
    (tmp_path / "go_on").touch()
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "runner sync" not in errors
    assert_whole(postgres.uri, "stopped")


def stopped_in_training(server: Server | Postgres, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A run in a folder that has been training for two epochs when its server is stopped."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", f"tracking.uri={server.uri}", *SLOWED, *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch  2"):
            break
    server.stop()
    return process


@pytest.mark.slow
def test_a_server_that_is_stopped_for_ten_seconds_gets_all_rows_from_the_run_itself(tmp_path: Path) -> None:
    (tmp_path / "paused.py").write_text(PAUSED)
    with Server(tmp_path) as server:
        process = stopped_in_training(server, tmp_path, *USES_PAUSED)
        time.sleep(10)
        assert process.poll() is None, "the run goes on meanwhile"
        server.start()
        assert process.poll() is None, "the server is there again before its end"
        (tmp_path / "go_on").touch()
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        assert "runner sync" not in errors
        assert_whole(server.uri, "runner")
        assert not list((tmp_path / "outputs").rglob("events.*"))


@pytest.mark.slow
def test_a_server_that_is_stopped_for_good_stops_no_training(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    process = stopped_in_training(server, tmp_path)
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert "epoch 20/20" in out
    assert re.search(
        r"\d+ events are not in the store yet \(.+\); to send them: python -m runner sync outputs", errors
    )
    assert sync(tmp_path, server.uri).returncode == 1
    server.start()
    assert sync(tmp_path, server.uri).returncode == 0
    assert_whole(server.uri, "runner")
    assert sync(tmp_path, server.uri).stdout == ""
    server.stop()


@pytest.mark.slow
def test_a_server_that_is_stopped_in_the_middle_of_a_sweep_ends_no_sweep(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.start()
    jobs = ("seed=range(4)", "sweep.mode=stacked", *SLOWED)
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", "-m", f"tracking.uri={server.uri}", *jobs],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while len(runs_of(server.uri, "runner")) < 5 and time.monotonic() < deadline:
        time.sleep(0.2)
    server.stop()
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "runs are not whole in the store" in errors
    assert "run the best again" in out, "the report needs no store"
    server.start()
    assert sync(tmp_path, server.uri).returncode == 0
    runs = runs_of(server.uri, "runner")
    assert [run.info.status for run in runs] == ["FINISHED"] * 5
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(children) == 4
    for run in children:
        assert [step for step, _ in history(server.uri, run)["train/loss"]] == list(range(1, EPOCHS + 1))
    assert not list(tmp_path.rglob("events.*"))
    server.stop()
