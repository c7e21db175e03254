"""Sweeps as users start them: jobs train together, and each is what it would be alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from mlflow.entities import Run

from tests.conftest import client_of, run_in, runs_in

EPOCHS = 4
SMALL = ("model.layers.l1.out_features=32", f"train.epochs={EPOCHS}")
METRICS = (
    "train/loss", "train/accuracy", "test/loss", "test/accuracy", "lr", "time/epoch_seconds",
    "time/samples_per_second",
)  # fmt: skip


class Sweep:
    """A sweep that has been run: where, what it said, its runs, Hydra's folder of it."""

    def __init__(self, folder: Path, done: subprocess.CompletedProcess[str]) -> None:
        self.folder, self.done = folder, done
        runs = runs_in(folder)
        (self.parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
        self.children = [run for run in runs if run is not self.parent]
        (self.path,) = (folder / "outputs" / "sweeps").glob("*/*")

    @property
    def results(self) -> dict[int, dict[str, object]]:
        """What jobs came to, by their numbers."""
        return results_in(self.path)

    def child(self, **params: str) -> Run:
        """The job with some parameters, dots written as two underscores."""
        wanted = {key.replace("__", "."): value for key, value in params.items()}.items()
        (run,) = (run for run in self.children if wanted <= run.data.params.items())
        return run


def results_in(path: Path) -> dict[int, dict[str, object]]:
    lines = [json.loads(line) for line in (path / "results.jsonl").read_text().splitlines()]
    assert len({line["job"] for line in lines}) == len(lines)
    return {line["job"]: line for line in lines}


def history(folder: Path, run: Run, name: str) -> list[tuple[int, float]]:
    rows = client_of(folder).get_metric_history(run.info.run_id, name)
    return sorted((row.step, row.value) for row in rows)


def values(folder: Path, run: Run, name: str) -> list[float]:
    return [value for _, value in history(folder, run, name)]


def statuses(runs: list[Run]) -> dict[str, int]:
    found = [run.info.status for run in runs]
    return {status: found.count(status) for status in sorted(set(found))}


@pytest.fixture(scope="module")
def stores(ready_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders in which a store is ready."""

    def folder(name: str) -> Path:
        path = tmp_path_factory.mktemp(name)
        (path / "outputs").mkdir()
        shutil.copy(ready_store, path / "outputs" / "mlflow.db")
        return path

    return folder


@pytest.fixture(scope="module")
def sixty_four(stores: Callable[[str], Path]) -> Sweep:
    """Jobs of two programs, of which a quarter diverges and a quarter is wrong."""
    folder = stores("sixty_four")
    lr = "optim.lr=0.05,0.3,1e30,-1"
    return Sweep(folder, run_in(folder, "-m", "seed=range(0,8)", "optim=sgd,momentum", lr, *SMALL))


def test_every_job_has_its_run_and_its_end(sixty_four: Sweep) -> None:
    assert len(sixty_four.children) == 64
    assert statuses(sixty_four.children) == {"FAILED": 32, "FINISHED": 32}
    assert sixty_four.parent.info.status == "FAILED"
    assert {run.data.tags["mlflow.parentRunId"] for run in sixty_four.children} == {
        sixty_four.parent.info.run_id
    }
    for run in sixty_four.children:
        expected = "FINISHED" if run.data.params["optim.lr"] in ("0.05", "0.3") else "FAILED"
        assert run.info.status == expected
    results = sixty_four.results
    assert sorted(results) == list(range(64))
    assert {str(result["run_id"]) for result in results.values()} == {
        run.info.run_id for run in sixty_four.children
    }


def test_it_was_trained_in_stacks(sixty_four: Sweep) -> None:
    assert "stacks of" in sixty_four.done.stdout
    logs = [(sixty_four.path / str(job) / "runner.log").read_text() for job in range(64)]
    assert any("stacked with" in log for log in logs)


def test_every_run_has_every_metric_of_every_epoch(sixty_four: Sweep) -> None:
    for run in sixty_four.children:
        if run.info.status == "FINISHED":
            for name in METRICS:
                assert [step for step, _ in history(sixty_four.folder, run, name)] == [1, 2, 3, 4]
            assert run.data.metrics.keys() >= {"best/test/loss", "best/epoch", "final/train_accuracy"}


def test_each_member_has_values_of_its_own(sixty_four: Sweep) -> None:
    finished = [run for run in sixty_four.children if run.info.status == "FINISHED"]
    assert len({run.data.metrics["train/loss"] for run in finished}) == 32
    assert {run.data.metrics["lr"] for run in finished} == {0.05, 0.3}
    assert len({run.data.tags["config_hash"] for run in finished}) == 32
    assert sixty_four.child(seed="3", optim__lr="0.3", optim__type="momentum").info.run_name == (
        "mlp-momentum lr=0.3 seed=3"
    )


def test_every_failed_job_is_listed_at_the_end_with_its_reason(sixty_four: Sweep) -> None:
    assert sixty_four.done.returncode == 1
    *told, count = sixty_four.done.stderr.strip().splitlines()[-33:]
    assert count == "32 of 64 jobs failed"
    assert [int(re.match(r"job (\d+) \(", line)[1]) for line in told] == [  # type: ignore[index]
        job for job in range(64) if job % 4 > 1
    ]
    for place, line in enumerate(told):
        why = "epoch 1: train/loss is nan" if place % 2 == 0 else "optim.lr: -1 should be greater"
        assert f" failed: {why}" in line
    assert "Traceback" not in sixty_four.done.stderr
    assert sixty_four.parent.data.tags["failure"] == "32 of 64 jobs failed"


def test_a_member_that_diverged_tells_its_epoch_and_was_trained_no_more(sixty_four: Sweep) -> None:
    run = sixty_four.child(seed="2", optim__lr="1e+30", optim__type="sgd")
    assert run.data.tags["failure"].startswith("epoch 1: train/loss is nan")
    assert [step for step, _ in history(sixty_four.folder, run, "lr")] == [1]


def test_each_job_has_the_folder_that_it_would_have_alone(sixty_four: Sweep) -> None:
    for job in range(64):
        folder = sixty_four.path / str(job)
        assert {file.name for file in (folder / ".hydra").iterdir()} == {
            "config.yaml", "hydra.yaml", "overrides.yaml",
        }  # fmt: skip
        assert (folder / "runner.log").stat().st_size > 0
    second = sixty_four.path / "12"
    overrides = yaml.safe_load((second / ".hydra" / "overrides.yaml").read_text())
    assert set(overrides) == {"seed=1", "optim=momentum", "optim.lr=0.05", *SMALL}
    assert yaml.safe_load((second / ".hydra" / "config.yaml").read_text())["optim"]["beta"] == 0.9
    assert yaml.safe_load((second / ".hydra" / "hydra.yaml").read_text())["hydra"]["job"]["num"] == 12


@pytest.fixture(scope="module")
def by_itself(sixty_four: Sweep) -> Run:
    """One of the jobs, run alone."""
    job = ("seed=3", "optim=momentum", "optim.lr=0.3")
    bare = [f"tracking.{key}=false" for key in ("log_model", "pictures", "system_metrics")]
    done = run_in(sixty_four.folder, *job, *SMALL, "tracking.experiment=alone", *bare)
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(sixty_four.folder, "alone")
    return run


@pytest.mark.slow
def test_a_member_equals_the_same_job_alone(sixty_four: Sweep, by_itself: Run) -> None:
    member = sixty_four.child(seed="3", optim__lr="0.3", optim__type="momentum")
    for name in ("train/loss", "test/loss", "lr"):
        assert values(sixty_four.folder, member, name) == pytest.approx(
            values(sixty_four.folder, by_itself, name), rel=1e-4
        )
    assert member.data.tags["config_hash"] == by_itself.data.tags["config_hash"]
    assert member.data.metrics.keys() == by_itself.data.metrics.keys()
    own = {f"tracking.{key}" for key in ("experiment", "log_model", "pictures", "system_metrics")}
    assert {item for item in member.data.params.items() if item[0] not in own} == {
        item for item in by_itself.data.params.items() if item[0] not in own
    }


@pytest.mark.slow
def test_what_is_finished_is_not_run_again_if_so_wanted(sixty_four: Sweep, by_itself: Run) -> None:
    before = {run.info.run_id for run in runs_in(sixty_four.folder)}
    done = run_in(
        sixty_four.folder, "-m", "seed=range(6,9)", "optim.lr=0.05,1e30", *SMALL, "sweep.skip_finished=true"
    )
    assert done.returncode == 1, "those that had failed do so again"
    assert "2 of 6 jobs are FINISHED already" in done.stdout
    new = [run for run in runs_in(sixty_four.folder) if run.info.run_id not in before]
    (parent,) = (run for run in new if "mlflow.parentRunId" not in run.data.tags)
    params = [run.data.params for run in new if run is not parent]
    assert sorted((each["seed"], each["optim.lr"]) for each in params) == [
        ("6", "1e+30"), ("7", "1e+30"), ("8", "0.05"), ("8", "1e+30"),
    ]  # fmt: skip
    (path,) = set((sixty_four.folder / "outputs" / "sweeps").glob("*/*")) - {sixty_four.path}
    results = results_in(path)
    assert sorted(results) == list(range(6))
    assert results[0]["run_id"] == sixty_four.child(seed="6", optim__lr="0.05", optim__type="sgd").info.run_id
    assert results[0]["objective"] == pytest.approx(results[0]["curve"][-1])  # type: ignore[index]


def test_a_dry_run_shows_what_would_be_done_and_starts_nothing(tmp_path: Path) -> None:
    done = run_in(
        tmp_path, "-m", "model=mlp,lstm", "seed=0,1", "optim.lr=0.1,-1", "train.epochs=1", "data.limit=64",
        "sweep.dry_run=true",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    cells = [line.split() for line in lines if re.match(r" *\d+ +\S+ +model=", line)]
    assert [(int(job), group) for job, group, *_ in cells] == [
        (0, "1"), (1, "-"), (2, "1"), (3, "-"), (4, "2"), (5, "-"), (6, "2"), (7, "-"),
    ]  # fmt: skip
    assert sum("optim.lr: -1 should be greater than or equal to 0" in line for line in lines) == 4
    first, second = (line for line in lines if line.startswith("group "))
    assert first.startswith("group 1: 2 jobs, about ")
    assert "one by one" in second
    assert "cannot be stacked: " in second
    assert re.fullmatch(r"8 jobs, about .+ s of training; nothing was started", lines[-1])
    assert not (tmp_path / "outputs" / "mlflow.db").exists()
    assert not list(tmp_path.glob("outputs/sweeps/*/*/[0-9]*"))


@pytest.mark.slow
def test_one_failure_ends_the_sweep_if_so_wanted(stores: Callable[[str], Path]) -> None:
    folder = stores("fail_fast")
    done = run_in(folder, "-m", "optim.lr=-1,0.1,-2", "seed=0,1", "sweep.fail_fast=true")
    assert done.returncode == 1
    assert "stopped at the first job that failed: sweep.fail_fast is true" in done.stderr
    assert "1 of 1 jobs failed" in done.stderr
    sweep = Sweep(folder, done)
    assert statuses([*sweep.children, sweep.parent]) == {"FAILED": 2}


@pytest.mark.slow
def test_the_environment_that_jobs_are_given_reaches_them(stores: Callable[[str], Path]) -> None:
    folder = stores("environment")
    given = ("+hydra.job.env_set={WHERE: there}", "tracking.experiment=${oc.env:WHERE}")
    done = run_in(folder, "-m", *given, "seed=0,1", "train.epochs=1")
    assert done.returncode == 0, done.stderr
    experiment = client_of(folder).get_experiment_by_name("there")
    assert experiment is not None
    assert len(client_of(folder).search_runs([experiment.experiment_id])) == 3


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner", "-m", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def read_until_one_has_ended(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(r"  run [0-9a-f]{32}$", line):
            return
    raise AssertionError(f"no job has ended: {process.communicate()}")


LONG = ("seed=range(0,10)", "sweep.mode=solo", "train.epochs=40", "model.layers.l1.out_features=256")
"""Jobs of about half a second each, so that some are left when the first has ended."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_sweep_that_was_stopped_is_continued_by_its_id_alone(
    stores: Callable[[str], Path], number: signal.Signals, code: int
) -> None:
    folder = stores("stopped")
    process = start(folder, *LONG)
    read_until_one_has_ended(process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    sweep = Sweep(folder, subprocess.CompletedProcess([], code))
    assert sweep.parent.info.status == "KILLED"
    assert set(statuses(sweep.children)) == {"FINISHED", "KILLED"}
    finished = {str(run.data.params["seed"]): run.info.run_id for run in sweep.children if is_finished(run)}
    killed = {run.info.run_id for run in sweep.children if not is_finished(run)}
    first = sweep.path
    logs = [(first / str(job) / "runner.log").read_text() for job in results_in(first)]
    assert all("trained one by one" in log for log in logs)

    done = run_in(folder, "-m", f"sweep.resume={sweep.parent.info.run_id}")
    assert done.returncode == 0, done.stderr
    assert f"{len(finished)} of 10 jobs are FINISHED already" in done.stdout
    (parent,) = (run for run in runs_in(folder) if "mlflow.parentRunId" not in run.data.tags)
    assert (parent.info.run_id, parent.info.status) == (sweep.parent.info.run_id, "FINISHED")
    children = [run for run in runs_in(folder) if run.info.run_id != parent.info.run_id]
    by_seed = {str(run.data.params["seed"]): run for run in children if is_finished(run)}
    assert len([run for run in children if is_finished(run)]) == len(by_seed) == 10, "none is run twice"
    assert {seed: by_seed[seed].info.run_id for seed in finished} == finished
    assert all(map(is_finished, children)), "those that were killed went on"
    assert killed <= {run.info.run_id for run in children}
    (second,) = (path for path in (folder / "outputs" / "sweeps").glob("*/*") if path != first)
    results = results_in(second)
    assert {job: str(result["run_id"]) for job, result in results.items()} == {
        job: by_seed[str(job)].info.run_id for job in range(10)
    }
    for run in by_seed.values():
        assert [step for step, _ in history(folder, run, "test/loss")] == list(range(1, 41))


def is_finished(run: Run) -> bool:
    return bool(run.info.status == "FINISHED")


@pytest.mark.slow
def test_a_sweep_whose_reader_goes_away_is_killed(stores: Callable[[str], Path]) -> None:
    folder = stores("unread")
    process = start(folder, *LONG)
    read_until_one_has_ended(process)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGPIPE, errors
    sweep = Sweep(folder, subprocess.CompletedProcess([], process.returncode))
    assert sweep.parent.info.status == "KILLED"
    assert set(statuses(sweep.children)) <= {"FINISHED", "KILLED"}


@pytest.mark.slow
def test_a_sweep_that_is_shot_leaves_nothing_running(stores: Callable[[str], Path]) -> None:
    folder = stores("shot")
    process = start(folder, *LONG)
    read_until_one_has_ended(process)
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 30
    while any(run.info.status == "RUNNING" for run in runs_in(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    sweep = Sweep(folder, subprocess.CompletedProcess([], 0))
    assert sweep.parent.info.status == "KILLED"
    assert "FINISHED" in statuses(sweep.children)


@pytest.mark.slow
def test_a_model_too_large_for_memory_fails_alone(stores: Callable[[str], Path]) -> None:
    folder = stores("large")
    sizes = "model.layers.l1.out_features=8,1000000000000,16"
    done = run_in(folder, "-m", sizes, "seed=0,1", "train.epochs=1")
    assert done.returncode == 1
    sweep = Sweep(folder, done)
    assert statuses(sweep.children) == {"FAILED": 2, "FINISHED": 4}
    assert done.stderr.count("failed: model: does not fit into memory") == 2


STOPPED_AT_THE_END = """
import sys
from runner.__main__ import main
from runner.sweep.callback import SweepFolder

def stop():
    raise KeyboardInterrupt

SweepFolder.open.callback(stop)
sys.argv = ["runner", "--cfg", "job"]
main()
"""


def test_a_signal_while_the_books_are_closed_ends_the_program_as_any_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOPPED_AT_THE_END]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (130, "")
