"""Sweeps over a Ray cluster of two nodes on this machine; killed workers, stopped drivers."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from tests.conftest import client_of, run_in, runs_in

pytest.importorskip("ray", reason="Ray, of the extra 'ray', is not installed")
pytestmark = pytest.mark.slow

SIX = ("-m", "seed=0,1,2", "optim.lr=0.1,0.2", "sweep.mode=stacked", "hydra/launcher=ray")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of a core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20},
    )
    cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    yield cluster
    cluster.shutdown()


class Sweep:
    """``python -m runner -m …`` over the cluster, from its start to its end."""

    def __init__(self, folder: Path, cluster: Any, *arguments: str) -> None:
        self.folder, self.cluster = folder, cluster
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner", *SIX, f"hydra.launcher.address={cluster.address}", *arguments],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_until_both_train(self) -> None:
        """Return when every job has told of an epoch."""
        deadline = time.monotonic() + 120
        while len([run for run in self.runs if run.data.metrics and run.info.status == "RUNNING"]) < 6:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def workers(self) -> list[int]:
        """The processes that train, one a node."""
        raylets = [node.all_processes["raylet"][0].process.pid for node in self.cluster.list_all_nodes()]
        return [pid for raylet in raylets for pid in children(raylet) if title(pid).startswith("ray::work")]

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        _, errors = self.process.communicate(timeout=240)
        return self.process.returncode, errors

    @property
    def runs(self) -> list[Run]:
        """The jobs' runs, those that were lost too."""
        if client_of(self.folder).get_experiment_by_name("runner") is None:
            return []
        return [run for run in runs_in(self.folder) if "job" in run.data.tags]

    def numbers(self, status: str) -> list[int]:
        """The jobs that have a run of some status, once for each such run."""
        return sorted(int(run.data.tags["job"]) for run in self.runs if run.info.status == status)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_a_sweep_outlives_a_worker(in_tmp_path: Path, cluster: Any) -> None:
    sweep = Sweep(in_tmp_path, cluster, "train.epochs=600")
    sweep.wait_until_both_train()
    victim, _ = sweep.workers()
    os.kill(victim, signal.SIGKILL)
    code, errors = sweep.end()
    assert code == 0, errors
    assert sweep.numbers("FINISHED") == [0, 1, 2, 3, 4, 5], "each exactly once"
    lost = [run for run in sweep.runs if run.info.status != "FINISHED"]
    assert Counter(run.info.status for run in lost) == {"KILLED": 3}, "the stack of the worker that was lost"
    assert {run.data.tags["failure"] for run in lost} == {"its worker was lost"}
    assert all(run.info.end_time for run in lost)


def test_a_block_that_loses_its_worker_too_often_fails_and_the_others_go_on(
    in_tmp_path: Path, cluster: Any
) -> None:
    sweep = Sweep(in_tmp_path, cluster, "train.epochs=600", "hydra.launcher.max_retries=0")
    sweep.wait_until_both_train()
    victim, _ = sweep.workers()
    os.kill(victim, signal.SIGKILL)
    code, errors = sweep.end()
    assert code == 1
    assert len(sweep.numbers("FINISHED")) == len(sweep.numbers("FAILED")) == 3
    assert sorted(sweep.numbers("FINISHED") + sweep.numbers("FAILED")) == [0, 1, 2, 3, 4, 5]
    assert "failed: its worker was lost" in errors
    assert "3 of 6 jobs failed" in errors


def test_ctrl_c_leaves_nothing_running(in_tmp_path: Path, cluster: Any) -> None:
    sweep = Sweep(in_tmp_path, cluster, "train.epochs=1000000")
    sweep.wait_until_both_train()
    workers = sweep.workers()
    sweep.process.send_signal(signal.SIGINT)
    code, errors = sweep.end()
    assert code == 130
    assert "Traceback" not in errors
    assert sweep.numbers("KILLED") == [0, 1, 2, 3, 4, 5]
    assert {run.info.status for run in runs_in(in_tmp_path)} == {"KILLED"}
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_cluster_trains_what_one_process_would(in_tmp_path: Path, cluster: Any) -> None:
    address = f"hydra.launcher.address={cluster.address}"
    over_ray = run_in(in_tmp_path, *SIX, "train.epochs=2", address)
    assert over_ray.returncode == 0, over_ray.stderr
    wrong = "optim.lr=0.1,0.2,-1"
    again = run_in(in_tmp_path, *SIX, "train.epochs=2", address, wrong, "sweep.skip_finished=true")
    assert again.returncode == 1
    assert "3 of 9 jobs failed" in again.stderr
    runs = [run for run in runs_in(in_tmp_path) if "job" in run.data.tags]
    assert Counter(run.info.status for run in runs) == {"FINISHED": 6, "FAILED": 3}, "nothing trained twice"
    here = run_in(in_tmp_path, *SIX, "train.epochs=2", "hydra/launcher=basic", "tracking.experiment=here")
    assert here.returncode == 0, here.stderr
    assert objectives(runs_in(in_tmp_path, "here")) == pytest.approx(objectives(runs), rel=1e-4)


def objectives(runs: list[Run]) -> dict[str, float]:
    return {
        f"{run.data.params['optim.lr']} {run.data.params['seed']}": run.data.metrics["test/loss"]
        for run in runs
        if run.info.status == "FINISHED" and "job" in run.data.tags
    }


def test_without_an_address_ray_is_started_here_and_fails_fast_if_told_to(in_tmp_path: Path) -> None:
    done = run_in(
        in_tmp_path, "-m", "optim.lr=1e30,0.1", "data=linear", "loss=mse", "train.epochs=100000",
        "hydra/launcher=ray", "sweep.fail_fast=true", "hydra.launcher.num_cpus=0.5",
    )  # fmt: skip
    assert done.returncode == 1
    assert "stopped at the first job that failed: sweep.fail_fast is true" in done.stderr
    runs = [run for run in runs_in(in_tmp_path) if "job" in run.data.tags]
    assert {run.data.tags["job"]: run.info.status for run in runs} in (
        {"0": "FAILED", "1": "KILLED"},
        {"0": "FAILED"},
    )


def test_a_dry_run_starts_nothing(in_tmp_path: Path) -> None:
    done = run_in(in_tmp_path, *SIX, "sweep.dry_run=true", "hydra.launcher.block=4")
    assert done.returncode == 0, done.stderr
    assert "task 1, job 0: seed=0 optim.lr=0.1" in done.stdout
    assert "6 jobs in 2 Ray tasks or more; nothing was started" in done.stdout
    assert client_of(in_tmp_path).get_experiment_by_name("runner") is None


@pytest.mark.parametrize(
    ("argument", "code", "told"),
    [
        ("block=0", 2, "hydra.launcher.block: 0 should be 1 or more"),
        ("num_cpus=0", 2, "hydra.launcher.num_cpus: 0.0 should be greater than 0"),
        ("num_cpus=1000", 2, "hydra.launcher.num_cpus: 1000 is more than there is, "),
        ("address=nowhere", 1, "hydra.launcher.address: 'nowhere' cannot be used: "),
    ],
)
def test_wrong_settings_are_told_in_a_line(in_tmp_path: Path, argument: str, code: int, told: str) -> None:
    done = run_in(in_tmp_path, *SIX, f"hydra.launcher.{argument}")
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr
