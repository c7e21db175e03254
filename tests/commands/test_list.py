"""``runner list`` and ``runner show`` tell of runs and sweeps in the terminal."""

import os
import pty
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow.entities import Run

from runner.commands.list import duration
from tests.conftest import client_of, run_in, runs_in


@dataclass(frozen=True)
class Place:
    """A folder with two runs and a sweep of two jobs in its store."""

    folder: Path
    mlp: Run
    linear: Run
    sweep: Run
    jobs: list[Run]

    def lines(self, *words: str) -> list[list[str]]:
        """What is piped, cell by cell, below the headings."""
        done = run_in(self.folder, "list", *words)
        assert done.returncode == 0, done.stderr
        head, *rows = (line.split("\t") for line in done.stdout.splitlines())
        assert head == ["id", "name", "jobs", "status", "objective", "started", "took"]
        return rows

    def ids(self, *words: str) -> list[str]:
        return [row[0] for row in self.lines(*words)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Place:
    folder = tmp_path_factory.mktemp("listed")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    small = ("data=iris", "train.epochs=2", "tracking.log_model=false")
    for words in ([], ["model=linear", "tracking.experiment=other"], ["-m", "seed=1,2"]):
        assert run_in(folder, *words, *small).returncode == 0
    runs = runs_in(folder)
    jobs = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    (sweep,) = [run for run in runs if run.data.tags.get("sweep_id") == run.info.run_id]
    (mlp,) = [run for run in runs if "sweep_id" not in run.data.tags]
    (linear,) = runs_in(folder, "other")
    return Place(folder, mlp, linear, sweep, jobs)


def ids_of(*runs: Run) -> list[str]:
    return [run.info.run_id for run in runs]


def test_the_newest_is_first_and_a_sweep_is_a_line(place: Place) -> None:
    sweep, linear, mlp = place.lines()
    assert [sweep[0], linear[0], mlp[0]] == ids_of(place.sweep, place.linear, place.mlp)
    assert sweep[1:4] == ["sweep seed=1,2 data=iris train.epochs=2 tracking.log_model=false", "2", "FINISHED"]
    for row, run in ((sweep, place.sweep), (linear, place.linear), (mlp, place.mlp)):
        assert row[4] == f"test/loss {run.data.metrics['best/test/loss']:.4g}"
    assert place.ids("limit=1") == ids_of(place.sweep)


@pytest.mark.slow
def test_runs_are_chosen_by_experiment_tag_status_and_sweep(place: Place) -> None:
    assert place.ids("other") == place.ids("experiment=other") == ids_of(place.linear)
    assert place.ids("tags.model=linear") == ids_of(place.linear)
    assert set(place.ids("tags.model=mlp")) == set(ids_of(place.mlp, *place.jobs))
    assert place.ids("status=FAILED") == []
    prefix = place.sweep.info.run_id[:12]
    assert set(place.ids(f"sweep={prefix}")) == set(ids_of(*place.jobs))
    assert len(place.ids("all=true")) == 5


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["othr"], 2, "experiment: unknown 'othr'. Did you mean 'other'? Known: "),
        (["status=DONE"], 2, "status: unknown 'DONE'. "),
        (["limit=0"], 2, "limit: '0' should be a whole number, at least 1"),
        (["all=maybe"], 2, "all: unknown 'maybe'. "),
        (["sweep=nothing"], 1, "run: there is no run 'nothing' in sqlite:"),
        (["tracking.uri=sqlite:///nowhere.db"], 1, "tracking.uri: there is no store 'sqlite:///nowhere.db'"),
    ],
)
def test_a_mistake_is_a_line(place: Place, words: list[str], code: int, told: str) -> None:
    done = run_in(place.folder, "list", *words)
    assert (done.returncode, done.stderr.startswith(told), done.stderr.count("\n")) == (code, True, 1)


@pytest.mark.slow
def test_on_a_terminal_it_is_a_table_of_short_ids(place: Place) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "runner", "list"], cwd=place.folder, stdout=theirs, check=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "140"},
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert f"{place.mlp.info.run_id[:8]}  " in shown
    assert place.mlp.info.run_id not in shown
    assert "\x1b[32mFINISHED" in shown


def test_show_tells_what_was_run_what_came_of_it_and_what_to_type_next(place: Place) -> None:
    run_id = place.mlp.info.run_id
    shown = run_in(place.folder, "show", run_id[:12]).stdout
    words = [line.split() for line in shown.splitlines()]
    assert ["id", run_id] in words
    assert ["optim.lr", "0.3"] in words
    assert ["test/loss", f"{place.mlp.data.metrics['test/loss']:.6g}"] in words
    assert ["config.yaml"] in words
    assert ["do", "again", "runner", "rerun", run_id] in words
    sweep = place.sweep.info.run_id
    shown = run_in(place.folder, "show", sweep).stdout
    assert f"runner list sweep={sweep[:8]}\n" in shown
    assert f"runner show {place.sweep.data.tags['best_run_id']}\n" in shown


@pytest.mark.slow
def test_an_id_may_be_as_short_as_it_is_no_others(place: Place) -> None:
    client = client_of(place.folder)
    begin = [client.create_run("0").info.run_id for _ in range(17)]  # two of them begin with the same digit
    first = next(each[0] for each in begin if sum(other[0] == each[0] for other in begin) > 1)
    done = run_in(place.folder, "show", first)
    assert done.returncode == 1
    assert done.stderr.startswith(f"run: '{first}' is how several ids begin: {first}")
    for each in begin:
        client.delete_run(each)
    done = run_in(place.folder, "rerun", place.mlp.info.run_id[:10])
    assert done.returncode == 0, done.stderr
    assert "same to the bit" in done.stdout
    client.delete_run(runs_in(place.folder)[0].info.run_id)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.84, "0.8 s"), (59.9, "59.9 s"), (185, "3:05"), (3723, "1:02:03")]
)
def test_durations_are_short(seconds: float, told: str) -> None:
    assert duration(seconds) == told
