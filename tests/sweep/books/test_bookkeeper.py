"""The books of a sweep: everything that is told is in the store, whatever happens to who tells it."""

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from mlflow.entities import Run

from runner.commands.sync import sync
from runner.config import sqlite_uri
from runner.errors import TrackingError
from runner.process.signals import Terminated
from runner.sweep.books import bookkeeper
from runner.sweep.books.bookkeeper import Bookkeeper
from runner.sweep.books.ledger import Ledger, now
from runner.sweep.books.messages import (
    Closed,
    Ended,
    Find,
    Found,
    FromBooks,
    Lost,
    Measured,
    Opened,
    Start,
    Written,
)
from runner.sweep.jobs import Job
from runner.sweep.record import JobResult, read_results
from runner.tracking.journal import EVENTS, is_owned
from runner.tracking.outcome import Failure
from tests.conftest import REPOSITORY, client_of, runs_in
from tests.sweep.composed import jobs_of

NAMES = ("train/loss", "test/loss", "lr")


@pytest.fixture(autouse=True)
def quick_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeper, "INTERVAL", 0.02)


def jobs_in(folder: Path, count: int) -> list[Job]:
    """Jobs that report to the store in ``folder``; that of the sweep is there."""
    (folder / "sweep").mkdir(exist_ok=True)
    uri = sqlite_uri.from_path(folder / "outputs" / "mlflow.db")
    return jobs_of([f"seed={seed}" for seed in range(count)], f"tracking.uri={uri}", folder / "sweep")


def opened(job: Job) -> Opened:
    cell = job.cell
    tags = {"config_hash": job.config.hash, "device": "cpu"}
    return Opened(cell.job, cell.overrides, cell.plain, job.launch, tags, cell.records, now())


def measured(jobs: Sequence[Job], step: int) -> Measured:
    return Measured({job.number: dict.fromkeys(NAMES, step + job.number / 1000) for job in jobs}, step, now())


def ended(job: Job, reason: str | None = None) -> Ended:
    result = JobResult(job.number, job.cell.overrides, "FAILED" if reason else "FINISHED", reason)
    return Ended(result, Failure(reason, "a traceback") if reason else None, "the log\n", now())


def books_of(folder: Path, resume: str | None = None) -> tuple[Bookkeeper, list[FromBooks]]:
    told: list[FromBooks] = []
    return Bookkeeper(start_of(folder, resume), told.append), told


def start_of(folder: Path, resume: str | None = None) -> Start:
    (folder / "sweep").mkdir(exist_ok=True)
    tracking = {"uri": sqlite_uri.from_path(folder / "outputs" / "mlflow.db"), "experiment": "runner"}
    return Start(folder / "sweep", {"tracking": tracking, "objective": "test/loss"}, resume)


def children_in(folder: Path) -> dict[str, Run]:
    """The jobs' runs by their seeds."""
    runs = [run for run in runs_in(folder) if "mlflow.parentRunId" in run.data.tags]
    found = {run.data.params.get("seed", run.info.run_name): run for run in runs}
    assert len(found) == len(runs), "no run is there twice"
    return found


def history(folder: Path, run: Run) -> dict[str, list[tuple[int, float]]]:
    client = client_of(folder)
    return {
        name: sorted((row.step, row.value) for row in client.get_metric_history(run.info.run_id, name))
        for name in NAMES
    }


def expected(job: Job, steps: int) -> dict[str, list[tuple[int, float]]]:
    rows = [(step, step + job.number / 1000) for step in range(1, steps + 1)]
    return dict.fromkeys(NAMES, rows)


def so_far(folder: Path) -> list[Run]:
    """The runs that are in the store already, if the experiment is."""
    return runs_in(folder) if client_of(folder).get_experiment_by_name("runner") else []


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_everything_told_is_in_the_store(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 3)
    books, told = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    for step in range(1, 401):  # more at once than MLflow takes in a call
        books.hear(measured(jobs, step))
    books.hear(ended(jobs[0]))
    books.hear(ended(jobs[1], "epoch 400: train/loss is nan"))
    books.close()
    runs = children_in(in_tmp_path)
    for job in jobs:
        assert history(in_tmp_path, runs[str(job.number)]) == expected(job, 400)
    assert [runs[seed].info.status for seed in "012"] == ["FINISHED", "FAILED", "KILLED"]
    assert [runs[seed].data.tags.get("failure") for seed in "012"] == [
        None, "epoch 400: train/loss is nan", "the sweep was stopped",
    ]  # fmt: skip
    results = {each.result.job: each.result for each in told if isinstance(each, Written)}
    assert {job: result.run_id for job, result in results.items()} == {
        job: runs[str(job)].info.run_id for job in range(3)
    }
    kept = {result.job: (result.status, result.run_id) for result in read_results(in_tmp_path / "sweep")}
    assert kept == {job: (result.status, result.run_id) for job, result in results.items()}
    assert isinstance(told[-1], Closed)


def test_files_that_a_job_leaves_are_its_runs_artifacts(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    books, _ = books_of(in_tmp_path)
    books.hear(opened(job))
    books.hear(replace(ended(job), files={"table.csv": "a,b\n"}))
    books.close()
    run = children_in(in_tmp_path)["0"]
    left = client_of(in_tmp_path).download_artifacts(run.info.run_id, "table.csv", str(in_tmp_path))
    assert Path(left).read_text() == "a,b\n"


def test_a_run_is_described_as_if_it_ran_alone(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    books, _ = books_of(in_tmp_path)
    books.hear(opened(job))
    books.hear(ended(job))
    books.close()
    run = children_in(in_tmp_path)["0"]
    assert run.data.params["model.layers.l1.out_features"] == "128"
    assert run.data.tags["config_hash"] == job.config.hash
    assert run.data.tags["sweep_id"] == run.data.tags["mlflow.parentRunId"]
    artifacts = {file.path for file in client_of(in_tmp_path).list_artifacts(run.info.run_id)}
    assert artifacts == {"config.yaml", "runner.log"}
    assert (job.launch.folder / "runner.log").read_text() == "the log\n"
    assert sorted(file.name for file in (job.launch.folder / ".hydra").iterdir()) == [
        "config.yaml", "hydra.yaml", "overrides.yaml",
    ]  # fmt: skip


def test_metrics_are_there_while_a_run_goes_on(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    books, _ = books_of(in_tmp_path)
    books.hear(opened(job))
    books.hear(measured([job], 1))
    wait_for(lambda: any(run.data.metrics for run in so_far(in_tmp_path)))
    assert children_in(in_tmp_path)["0"].info.status == "RUNNING"
    books.close()


def test_books_that_are_closed_in_the_middle_of_a_round_leave_nothing_running(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 30)
    books, _ = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    wait_for(lambda: len(so_far(in_tmp_path)) > 2)
    books.close()
    statuses = {run.info.status for run in children_in(in_tmp_path).values()}
    assert statuses == {"KILLED"}
    assert len(children_in(in_tmp_path)) < len(jobs), "who had not begun is not in the store"


@contextmanager
def no_metrics_taken(folder: Path) -> Iterator[None]:
    """The store fails to write metrics."""
    path = folder / "outputs" / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE metrics RENAME TO away")
    yield
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE away RENAME TO metrics")


def test_a_store_that_fails_for_a_while_loses_nothing(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    books, told = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    books.hear(measured(jobs, 1))
    wait_for(lambda: sum(bool(run.data.metrics) for run in so_far(in_tmp_path)) == 2)
    with no_metrics_taken(in_tmp_path):
        for step in range(2, 30):
            books.hear(measured(jobs, step))
            time.sleep(0.02)
        books.hear(ended(jobs[0]))
        time.sleep(0.5)
        assert not told, "nothing is said to be written that is not"
    books.hear(ended(jobs[1]))
    books.close()
    for job in jobs:
        run = children_in(in_tmp_path)[str(job.number)]
        assert history(in_tmp_path, run) == expected(job, 29)
        assert run.info.status == "FINISHED"


def test_a_store_that_is_locked_for_a_while_loses_nothing(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    books, _ = books_of(in_tmp_path)
    with closing(sqlite3.connect(in_tmp_path / "outputs" / "mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        for job in jobs:
            books.hear(opened(job))
        for step in range(1, 6):
            books.hear(measured(jobs, step))
        time.sleep(1)
        other.rollback()
    for job in jobs:
        books.hear(ended(job))
    books.close()
    for job in jobs:
        assert history(in_tmp_path, children_in(in_tmp_path)[str(job.number)]) == expected(job, 5)


def test_a_run_that_the_store_refuses_fails_alone(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    books, told = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    wait_for(lambda: len([run for run in so_far(in_tmp_path) if run.data.params]) == 2)
    client_of(in_tmp_path).delete_run(children_in(in_tmp_path)["0"].info.run_id)  # as one can in the UI
    books.hear(measured(jobs, 1))
    for job in jobs:
        books.hear(ended(job))
    books.close()
    results = {each.result.job: each.result for each in told if isinstance(each, Written)}
    assert results[0].status == "FAILED"
    assert "did not take it" in str(results[0].reason)
    assert results[1].status == "FINISHED"


def test_a_store_that_fails_for_long_keeps_nobody_waiting_and_loses_nothing(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bookkeeper, "PATIENCE", 0.3)
    jobs = jobs_in(in_tmp_path, 2)
    books, told = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    wait_for(lambda: len(so_far(in_tmp_path)) == 3)
    with no_metrics_taken(in_tmp_path):
        for step in range(1, 6):
            books.hear(measured(jobs, step))
        for job in jobs:
            books.hear(ended(job))
        wait_for(lambda: len(told) == 2)
        books.close()
    results = [each.result for each in told if isinstance(each, Written)]
    assert [(result.status, result.run_id) for result in results] == [("FINISHED", None)] * 2
    assert "2 runs are not whole in the store" in capsys.readouterr().err
    assert {run.info.status for run in children_in(in_tmp_path).values()} == {"RUNNING"}
    assert sync(in_tmp_path / "sweep") == 0
    for job in jobs:
        run = children_in(in_tmp_path)[str(job.number)]
        assert run.info.status == "FINISHED"
        assert history(in_tmp_path, run) == expected(job, 5)
    assert not list((in_tmp_path / "sweep").rglob("events.*"))


@pytest.mark.slow
def test_books_that_are_killed_with_their_trainer_lose_nothing_that_was_told(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    messages = [
        start_of(in_tmp_path),
        *[opened(job) for job in jobs],
        *[measured(jobs, s) for s in range(1, 9)],
    ]
    (in_tmp_path / "messages").write_bytes(pickle.dumps(messages))
    wait = "print(ledger._process.pid, flush=True); import time; time.sleep(60)"
    command = [sys.executable, "-c", f"{TRAINER}\n{wait}", str(in_tmp_path / "messages")]
    trainer = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    books = int(trainer.stdout.readline())
    told = [job.launch.folder / EVENTS for job in jobs]
    wait_for(lambda: all(file.exists() and '"step": 8' in file.read_text() for file in told))
    wait_for(lambda: len(so_far(in_tmp_path)) == 3)
    assert sync(in_tmp_path / "sweep") == 0
    assert {run.info.status for run in so_far(in_tmp_path)} == {"RUNNING"}, "it goes on"
    for process in (trainer.pid, books):
        os.kill(process, signal.SIGKILL)
    trainer.communicate()
    wait_for(lambda: not is_owned(in_tmp_path / "sweep"))
    assert sync(in_tmp_path / "sweep") == 0
    assert [run.info.status for run in so_far(in_tmp_path)] == ["KILLED"] * 3
    for job in jobs:
        assert history(in_tmp_path, children_in(in_tmp_path)[str(job.number)]) == expected(job, 8)


def test_a_store_that_cannot_be_used_at_all_is_lost_soon(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    (in_tmp_path / "outputs" / "mlflow.db").write_bytes(b"no database" * 100)
    books, told = books_of(in_tmp_path)
    books.hear(opened(job))
    wait_for(lambda: told)
    (lost,) = told
    assert isinstance(lost, Lost)
    assert lost.reason.startswith(f"tracking.uri: '{job.config.tracking.uri}' cannot be used: ")
    books.hear(measured([job], 1))
    books.close()


def test_finished_runs_are_found_by_what_was_computed(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 3)
    books, told = books_of(in_tmp_path)
    for job in jobs:
        books.hear(opened(job))
    for step in (1, 2):
        books.hear(measured(jobs, step))
    books.hear(ended(jobs[0]))
    books.hear(ended(jobs[1], "no good"))
    books.close()
    told.clear()
    books, told = books_of(in_tmp_path)
    books.hear(Find([job.config.hash for job in jobs], in_sweep=False))
    books.close()
    (found, _) = told
    assert isinstance(found, Found)
    (run,) = found.runs.values()
    assert run.run_id == children_in(in_tmp_path)["0"].info.run_id
    assert run.curve == (1.0, 2.0)


@pytest.mark.parametrize("in_sweep", [True, False], ids=["in the sweep", "in the experiment"])
def test_a_sweep_that_is_continued_goes_on_under_its_parent(in_tmp_path: Path, in_sweep: bool) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    books, _ = books_of(in_tmp_path)
    books.hear(opened(jobs[0]))
    books.hear(ended(jobs[0]))
    books.close()
    sweep = children_in(in_tmp_path)["0"].data.tags["sweep_id"]
    (in_tmp_path / "sweep" / "parent.json").unlink()
    books, told = books_of(in_tmp_path, resume=sweep)
    books.hear(Find([job.config.hash for job in jobs], in_sweep))
    books.hear(opened(jobs[1]))
    books.hear(ended(jobs[1]))
    books.close()
    assert isinstance(told[0], Found)
    assert set(told[0].runs) == {jobs[0].config.hash}
    assert {run.data.tags["sweep_id"] for run in runs_in(in_tmp_path)} == {sweep}
    assert client_of(in_tmp_path).get_run(sweep).info.status == "RUNNING", "until the sweep ends it"


def test_a_run_that_is_no_sweep_cannot_be_continued(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    books, _ = books_of(in_tmp_path)
    books.hear(opened(job))
    books.hear(ended(job))
    books.close()
    child = children_in(in_tmp_path)["0"].info.run_id
    books, told = books_of(in_tmp_path, resume=child)
    books.hear(Find([job.config.hash], in_sweep=True))
    books.close()
    assert isinstance(told[0], Lost)
    assert told[0].reason.startswith(f"sweep.resume: '{child}' is a run, but no sweep")


@pytest.mark.slow
def test_a_ledger_is_the_same_from_another_process(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    written: list[int] = []
    ledger = Ledger()
    ledger.open(start_of(in_tmp_path), lambda result: written.append(result.job))
    for job in jobs:
        ledger.tell(opened(job))
    for step in range(1, 6):
        ledger.tell(measured(jobs, step))
    ledger.tell(ended(jobs[0]))
    (result,) = ledger.results([0])
    assert (result.status, result.run_id) == ("FINISHED", children_in(in_tmp_path)["0"].info.run_id)
    found = ledger.find([job.config.hash for job in jobs], in_sweep=False).runs
    assert set(found) == {jobs[0].config.hash}
    ledger.close()
    for job in jobs:
        assert history(in_tmp_path, children_in(in_tmp_path)[str(job.number)]) == expected(job, 5)
    assert children_in(in_tmp_path)["1"].info.status == "KILLED"
    assert sorted(written) == [0, 1]
    report = ledger.conclude("FINISHED", read_results(in_tmp_path / "sweep"))
    assert report is not None
    order = report.standings[0].ranking
    assert [cell.best("test/loss").run_id for cell in order if cell.finished] == [result.run_id]
    parents = [run for run in runs_in(in_tmp_path) if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.status for run in parents] == ["FINISHED"]


@pytest.mark.slow
def test_what_the_one_who_looks_raises_is_raised_by_who_waits_and_nothing_is_lost(in_tmp_path: Path) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    looked = Event()

    def nobody_reads(result: JobResult) -> None:
        looked.set()
        raise Terminated(signal.SIGPIPE)

    ledger = Ledger()
    ledger.open(start_of(in_tmp_path), nobody_reads)
    for job in jobs:
        ledger.tell(opened(job))
    ledger.tell(ended(jobs[0]))
    with pytest.raises(Terminated):
        ledger.results([0, 1])
    ledger.tell(ended(jobs[1]))
    ledger.close()
    assert {run.info.status for run in children_in(in_tmp_path).values()} == {"FINISHED"}
    assert ledger.conclude("FINISHED", read_results(in_tmp_path / "sweep")) is not None


@pytest.mark.slow
def test_a_store_that_cannot_be_used_is_told_to_whoever_uses_the_ledger(in_tmp_path: Path) -> None:
    (job,) = jobs_in(in_tmp_path, 1)
    (in_tmp_path / "outputs" / "mlflow.db").write_bytes(b"no database" * 100)
    ledger = Ledger()
    ledger.open(start_of(in_tmp_path), lambda result: None)
    ledger.tell(opened(job))
    with pytest.raises(TrackingError, match="cannot be used"):
        ledger.results([0])
    assert ledger.is_lost
    with pytest.raises(TrackingError, match="cannot be used"):
        ledger.tell(measured([job], 1))
    ledger.close()
    ledger._process.kill()
    assert ledger.conclude("FAILED", []) is None


TRAINER = """
import os, pickle, signal, sys
from pathlib import Path
from runner.sweep.books.ledger import Ledger

start, *messages = pickle.loads(Path(sys.argv[1]).read_bytes())
ledger = Ledger()
ledger.open(start, print)
for message in messages:
    ledger.tell(message)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "end",
    [
        pytest.param("", id="between messages"),
        pytest.param(
            "ledger._connection._send(b'the beginning of a message')",
            id="in a message",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_trainer_that_is_killed_leaves_its_runs_killed_and_the_sweep_ended(
    in_tmp_path: Path, end: str
) -> None:
    jobs = jobs_in(in_tmp_path, 2)
    messages = [start_of(in_tmp_path), *[opened(job) for job in jobs], measured(jobs, 1)]
    (in_tmp_path / "messages").write_bytes(pickle.dumps(messages))
    script = f"{TRAINER}\n{end}\nos.kill(os.getpid(), signal.SIGKILL)"
    command = [sys.executable, "-c", script, str(in_tmp_path / "messages")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_for(lambda: [run.info.status for run in so_far(in_tmp_path)] == ["KILLED"] * 3)
    for job in jobs:
        assert history(in_tmp_path, children_in(in_tmp_path)[str(job.number)]) == expected(job, 1)
