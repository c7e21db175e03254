"""Launchers that run jobs one by one, in this process or in others: Hydra's own and the published ones."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlflow.entities import Run

from tests.conftest import run_in, runs_in

pytestmark = pytest.mark.slow

needs_joblib = pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_joblib_launcher") is None, reason="the extra 'joblib' is not installed"
)
needs_submitit = pytest.mark.skipif(
    find_spec("hydra_plugins.hydra_submitit_launcher") is None, reason="the extra 'slurm' is not installed"
)
launchers = pytest.mark.parametrize(
    "launcher",
    [
        "basic",
        pytest.param("joblib", marks=needs_joblib),
        pytest.param("submitit_local", marks=needs_submitit),
    ],
)

QUICK = ("data=linear", "loss=mse", "train.epochs=2")
ENDLESS = ("seed=0,1", "train.epochs=1000000")


def split(folder: Path) -> tuple[Run, list[Run]]:
    """The parent and its children."""
    runs = runs_in(folder)
    (parent,) = (run for run in runs if "job" not in run.data.tags)
    children = sorted((run for run in runs if run is not parent), key=lambda run: int(run.data.tags["job"]))
    assert {run.data.tags["sweep_id"] for run in runs} == {parent.info.run_id}
    return parent, children


@launchers
def test_a_failing_job_stops_no_other_and_is_named_at_the_end(in_tmp_path: Path, launcher: str) -> None:
    done = run_in(in_tmp_path, "-m", "optim.lr=0.1,-1,1e30,0.2", *QUICK, f"hydra/launcher={launcher}")
    assert done.returncode == 1
    parent, children = split(in_tmp_path)
    assert parent.info.status == "FAILED"
    assert [run.info.status for run in children] == ["FINISHED", "FAILED", "FAILED", "FINISHED"]
    assert [run.data.tags["job"] for run in children] == ["0", "1", "2", "3"]
    assert "job 1 (optim.lr=-1 " in done.stderr
    assert "failed: optim.lr: -1 should be greater than or equal to 0" in done.stderr
    assert "job 2 (optim.lr=1e+30 " in done.stderr
    assert "2 of 4 jobs failed" in done.stderr
    assert "Traceback" not in done.stderr
    (sweep,) = (in_tmp_path / "outputs" / "sweeps").glob("*/*")
    assert len((sweep / "results.jsonl").read_text().splitlines()) == 4
    assert sorted(path.name for path in sweep.iterdir() if path.name in "0123") == list("0123")


@launchers
def test_a_sweep_is_continued_by_its_id_and_trains_only_what_it_lacks(
    in_tmp_path: Path, launcher: str
) -> None:
    common = ("optim.lr=0.1", *QUICK, f"hydra/launcher={launcher}")
    first = run_in(in_tmp_path, "-m", "seed=0,1", *common)
    assert first.returncode == 0, first.stderr
    parent, children = split(in_tmp_path)
    resume = f"sweep.resume={parent.info.run_id}"
    again = run_in(in_tmp_path, "-m", "seed=0,1,2", *common, resume)
    assert again.returncode == 0, again.stderr
    same, more = split(in_tmp_path)
    assert same.info.run_id == parent.info.run_id
    assert same.info.status == "FINISHED"
    assert [run.data.params["seed"] for run in more] == ["0", "1", "2"]
    assert {run.info.run_id for run in children} < {run.info.run_id for run in more}
    tables = [path.read_text() for path in (in_tmp_path / "outputs" / "sweeps").rglob("results.jsonl")]
    (table,) = (each for each in tables if each.count("\n") == 3)
    assert all(run.info.run_id in table for run in more), "found ones stand there as well"


@launchers
def test_what_has_been_trained_is_skipped_and_the_first_failure_ends_a_sweep_that_fails_fast(
    in_tmp_path: Path, launcher: str
) -> None:
    one = ["hydra.launcher.n_jobs=1"] if launcher == "joblib" else []
    done = run_in(in_tmp_path, "optim.lr=0.1", *QUICK)
    assert done.returncode == 0, done.stderr
    sweep = run_in(
        in_tmp_path, "-m", "optim.lr=0.1,1e30,0.3", *QUICK, f"hydra/launcher={launcher}", *one,
        "sweep.skip_finished=true", "sweep.fail_fast=true", "hydra.sweeper.max_batch_size=1",
    )  # fmt: skip
    assert sweep.returncode == 1
    jobs = [run for run in runs_in(in_tmp_path) if "job" in run.data.tags]
    assert [run.data.params["optim.lr"] for run in jobs] == ["1e+30"]
    assert "1 of 2 jobs failed" in sweep.stderr
    if launcher != "submitit_local":  # whose jobs write into files of their own
        assert "FINISHED already" in sweep.stdout
        assert "not started: another job has failed, and sweep.fail_fast is true" in sweep.stdout


@launchers
def test_a_dry_run_starts_nothing(in_tmp_path: Path, launcher: str) -> None:
    done = run_in(
        in_tmp_path, "-m", "optim.lr=0.1,-1", *QUICK, f"hydra/launcher={launcher}", "sweep.dry_run=true"
    )
    assert done.returncode == 0, done.stderr
    logs = [path.read_text() for path in in_tmp_path.rglob("*_log.out")]
    told = done.stdout + "".join(logs)
    assert "nothing was started" in told
    assert "optim.lr: -1 should be greater than or equal to 0" in told
    assert not list(in_tmp_path.rglob("results.jsonl"))
    assert not list(in_tmp_path.rglob("parent.json"))


@launchers
def test_a_job_that_cannot_be_composed_is_told_before_any_is_started(
    in_tmp_path: Path, launcher: str
) -> None:
    done = run_in(in_tmp_path, "-m", "model=mlp,mpl", *QUICK, f"hydra/launcher={launcher}")
    assert done.returncode == 2
    assert "model: unknown 'mpl'. Did you mean 'mlp'?" in done.stderr
    assert not list(in_tmp_path.rglob("parent.json"))


class Endless:
    """A context with a sweep of two jobs that go on until somebody ends them."""

    def __init__(self, folder: Path, launcher: str) -> None:
        self.folder = folder
        self.errors = folder / "errors"
        with self.errors.open("w") as errors, (folder / "output").open("w") as output:
            self.process = subprocess.Popen(  # into files: submitit's processes would keep a pipe open
                [sys.executable, "-m", "runner", "-m", *ENDLESS, f"hydra/launcher={launcher}"],
                cwd=folder, stdout=output, stderr=errors, start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip

    def __enter__(self) -> "Endless":
        self.wait_for(lambda: len(self.training()) == 2)
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.processes(""):
            if pid != os.getpid():
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def training(self) -> list[Run]:
        return [run for run in self.jobs() if run.data.metrics and run.info.status == "RUNNING"]

    def jobs(self) -> list[Run]:
        has_begun = bool(list(self.folder.rglob("parent.json")))
        return [run for run in runs_in(self.folder) if "job" in run.data.tags] if has_begun else []

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def processes(self, title: str) -> list[int]:
        """Those in whose command line something is found and that work in the sweep's folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_text().replace("\0", " ")
                if title in command and (process / "cwd").readlink() == self.folder:
                    found.append(int(process.name))
            except OSError:  # it has gone meanwhile
                continue
        return found

    def end(self) -> tuple[int, str]:
        """Its exit code and what it said on stderr."""
        return self.process.wait(timeout=120), self.errors.read_text()


@needs_joblib
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_stopped_sweep_of_joblib_leaves_nothing_running(
    in_tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with Endless(in_tmp_path, "joblib") as sweep:
        sweep.process.send_signal(number)
        returned, errors = sweep.end()
        assert returned == code
        assert "Traceback" not in errors
        assert {run.info.status for run in runs_in(in_tmp_path)} == {"KILLED"}
        assert not sweep.processes("loky")


@needs_joblib
def test_ctrl_c_reaches_joblibs_processes_too(in_tmp_path: Path) -> None:
    with Endless(in_tmp_path, "joblib") as sweep:
        os.killpg(sweep.process.pid, signal.SIGINT)  # as a terminal does
        returned, _ = sweep.end()
        assert returned == 130
        assert {run.info.status for run in runs_in(in_tmp_path)} == {"KILLED"}


@needs_joblib
def test_a_process_of_joblibs_that_is_killed_leaves_a_failed_run(in_tmp_path: Path) -> None:
    with Endless(in_tmp_path, "joblib") as sweep:
        os.kill(sweep.processes("popen_loky_posix")[0], signal.SIGKILL)
        returned, errors = sweep.end()
        assert returned == 1
        assert "its process was lost" in errors
        assert {run.info.status for run in runs_in(in_tmp_path)} == {"FAILED"}


@needs_submitit
def test_submitted_jobs_outlive_who_submitted_them_until_they_are_ended(in_tmp_path: Path) -> None:
    with Endless(in_tmp_path, "submitit_local") as sweep:
        sweep.process.send_signal(signal.SIGINT)
        returned, errors = sweep.end()
        assert returned == 130
        assert errors.count(" goes on: run ") == 2
        assert len(sweep.training()) == 2
        for pid in sweep.processes("submitit.core._submit"):
            os.kill(pid, signal.SIGTERM)  # as scancel does
        sweep.wait_for(lambda: not sweep.training())
        assert {run.info.status for run in runs_in(in_tmp_path)} == {"KILLED"}


@needs_submitit
def test_a_job_that_slurm_preempts_is_killed_and_starts_anew(in_tmp_path: Path) -> None:
    with Endless(in_tmp_path, "submitit_local") as sweep:
        os.kill(sweep.processes("submitit.core._submit")[0], signal.SIGUSR2)  # as Slurm does
        sweep.wait_for(lambda: len(sweep.jobs()) == 3 and len(sweep.training()) == 2)
        (preempted,) = (run for run in sweep.jobs() if run.info.status == "KILLED")
        assert preempted.data.tags["failure"] == "Terminated: SIGUSR2"
        assert {run.data.tags["job"] for run in sweep.training()} == {"0", "1"}
