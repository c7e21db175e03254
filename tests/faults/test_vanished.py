"""Runs whose process was killed are not left RUNNING, and no living one is taken for dead."""

import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient

from runner.config.plain import Plain
from runner.process.launch import Launch
from runner.tracking.events import HEARTBEAT, PROCESS, VANISHED
from runner.tracking.journal import EVENTS
from runner.tracking.process import Process, this_process
from runner.tracking.store import connect, find_experiment
from runner.tracking.tracked_run import make
from runner.tracking.tracker import Tracker
from runner.tracking.vanished import SILENCE, end_vanished
from tests import warm
from tests.config.test_check import plain
from tests.conftest import client_of, run_in, runs_in
from tests.faults.killed import kill, start


@pytest.fixture
def config(in_tmp_path: Path) -> Plain:
    return plain()


@pytest.fixture
def client(in_tmp_path: Path) -> MlflowClient:
    return connect(f"sqlite:///{in_tmp_path}/outputs/mlflow.db")


def status_with(client: MlflowClient, tags: Mapping[str, str]) -> tuple[str, int | None]:
    """What becomes of a RUNNING run with these tags when somebody looks."""
    experiment = find_experiment(client, "runner")
    run_id = make(client, experiment, "name", tags, 5).location.run_id
    end_vanished(client, experiment)
    info = client.get_run(run_id).info
    return info.status, info.end_time


def milliseconds_ago(seconds: float) -> str:
    return str(int((time.time() - seconds) * 1000))


@pytest.mark.slow
def test_the_next_start_marks_a_run_that_was_killed_and_not_one_that_lives(
    config: Plain, in_tmp_path: Path
) -> None:
    folders = [in_tmp_path / name for name in ("killed", "alive", "next")]
    for folder in folders:
        folder.mkdir()
    killed, killed_id = start(json.dumps(config), folders[0], 3)
    alive, alive_id = start(json.dumps(config), folders[1], 3)
    kill(killed)
    client = client_of(in_tmp_path)
    with Tracker(config, Launch(folders[2], "mlp", (), "command"), {}):
        pass  # however short it is
    run = client.get_run(killed_id)
    assert (run.info.status, run.data.tags["failure"]) == ("KILLED", VANISHED)
    assert run.info.end_time == int(run.data.tags[HEARTBEAT])
    assert client.get_run(alive_id).info.status == "RUNNING"
    kill(alive)
    assert len(runs_in(in_tmp_path)) == 3


@pytest.mark.slow
def test_the_next_start_marks_a_sweep_whose_launcher_runs_job_by_job(in_tmp_path: Path) -> None:
    arguments = ["-m", "hydra/launcher=basic", "seed=0,1", "train.epochs=2000"]
    done = warm.run(in_tmp_path, arguments, {**os.environ}, kill_after=2, once_it_speaks=True)
    assert done.returncode == -signal.SIGKILL
    assert {run.info.status for run in runs_in(in_tmp_path)} == {"RUNNING"}
    assert run_in(in_tmp_path, "data=iris", "train.epochs=1").returncode == 0
    *killed, following = sorted(runs_in(in_tmp_path), key=lambda run: run.info.start_time)
    assert following.info.status == "FINISHED"
    assert len(killed) == 2
    assert {(run.info.status, run.data.tags["failure"]) for run in killed} == {("KILLED", VANISHED)}
    (sweep,) = {run.data.tags["sweep_id"] for run in killed}
    assert run_in(in_tmp_path, "-m", f"sweep.resume={sweep}", "train.epochs=20").returncode == 0
    parent = client_of(in_tmp_path).get_run(sweep)
    assert (parent.info.status, parent.data.tags.get("failure")) == ("FINISHED", None)


def test_a_process_with_the_number_of_one_that_has_gone_is_another(client: MlflowClient) -> None:
    beat = milliseconds_ago(5)
    before = replace(this_process(), started="1")
    assert status_with(client, {PROCESS: str(before), HEARTBEAT: beat}) == ("KILLED", int(beat))
    assert status_with(client, {PROCESS: str(this_process()), HEARTBEAT: beat}) == ("RUNNING", None)
    first = Process.parse(str(replace(this_process(), pid=1)))
    assert first is not None
    assert not first.is_alive, "it has a start of its own"


def test_other_hosts_are_judged_by_their_silence(client: MlflowClient) -> None:
    process = str(Process("elsewhere", 1, "1", "-"))
    old, new = milliseconds_ago(SILENCE + 60), milliseconds_ago(SILENCE - 60)
    assert status_with(client, {PROCESS: process, HEARTBEAT: old}) == ("KILLED", int(old))
    assert status_with(client, {PROCESS: process, HEARTBEAT: new}) == ("RUNNING", None)
    rebooted = str(replace(this_process(), place="another"))
    assert status_with(client, {PROCESS: rebooted, HEARTBEAT: new}) == ("RUNNING", None)


def test_a_job_lives_as_long_as_its_sweep(client: MlflowClient) -> None:
    experiment, process = find_experiment(client, "runner"), str(Process("elsewhere", 1, "1", "-"))
    tags = {PROCESS: process, HEARTBEAT: milliseconds_ago(5)}
    sweep = make(client, experiment, "sweep", tags, 5).location.run_id
    silent = {PROCESS: process, HEARTBEAT: milliseconds_ago(SILENCE + 60), "sweep_id": sweep}
    assert status_with(client, silent) == ("RUNNING", None)


def test_runs_that_others_have_made_are_left_alone(client: MlflowClient) -> None:
    assert status_with(client, {}) == ("RUNNING", None)
    assert status_with(client, {PROCESS: "who knows"}) == ("RUNNING", None)


def test_a_run_that_has_ended_but_could_not_say_so_is_left_to_sync(
    client: MlflowClient, in_tmp_path: Path
) -> None:
    (in_tmp_path / EVENTS).write_text('{"kind": "begun"}\n{"kind": "ended", "status": "FINISHED"}\n')
    tags = {PROCESS: str(replace(this_process(), started="1")), "runner.folder": str(in_tmp_path)}
    assert status_with(client, tags) == ("RUNNING", None)
