"""SIGTERM and Ctrl-C at any moment: KILLED within 5 s, no whole epoch lost, and how to go on is told."""

import random
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from mlflow.entities import Run

from runner.checkpoints.file import CHECKPOINTS, newest
from tests import warm
from tests.conftest import Injected
from tests.faults.test_resume import (
    NO_PICTURES,
    SOLO,
    SWEEP,
    Place,
    Rows,
    arrangement,
    assert_same,
    last_state,
    members,
    newest_sweep,
)

SECONDS = 5.0
SLOW = "events are not in the store yet"
EPOCHS, CODES = 120, {signal.SIGTERM: 143, signal.SIGINT: 130}
BOTH = pytest.mark.parametrize("number", list(CODES), ids=lambda number: number.name)


def stop(
    place: Place, arguments: list[str], moment: float, number: signal.Signals, limit: float = SECONDS
) -> str | None:
    """Send a signal so many seconds after the first word; what is said on stderr, None if it was over."""
    done = warm.run(place.folder, arguments, place.environment, moment, number=number, once_it_speaks=True)
    assert done.seconds < limit
    if "look at it with" in done.stdout and "resume=" not in done.stderr:
        return None
    assert done.returncode == CODES[number], done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


@cache
def seconds_of_books() -> float:
    """How long a sweep's books take until they can be written, and so until they can be closed.

    A warm trainer is there before them and waits; any other has longer imports of its own.
    """
    books = "import runner.sweep.books.bookkeeper, runner.sweep.report.writer"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", books], check=True)
    return time.monotonic() - started


def rest_of(told: str, key: str) -> list[str]:
    """The words of the line that says how to go on, which names a run by ``key``."""
    lines = [line for line in told.splitlines() if line.startswith("go on with")]
    assert len(lines) == 1, told
    words = lines[0].removeprefix("go on with  python -m runner ").split()
    assert words[-1].startswith(f"{key}=")
    return words


def stop_and_go_on(place: Place, arguments: list[str], moment: float, number: signal.Signals) -> Run | None:
    """The run, stopped and gone on with as is told; None if it had not begun."""
    before = {run.info.run_id for run in place.runs()}
    told = stop(place, arguments, moment, number)
    if told is None:
        return None
    new = [run for run in place.runs() if run.info.run_id not in before]
    if not new:
        assert told == ""
        return None
    (run,) = new
    if "go on with" not in told:  # all was done but for the telling
        assert run.info.status == "FINISHED" or SLOW in told, told
        return None
    assert run.info.status == "KILLED" or SLOW in told, told
    epochs = [step for _, step in place.rows(run)]
    checkpoint = newest(Path(run.data.tags["runner.folder"]) / CHECKPOINTS)
    assert (checkpoint.snapshot.epoch if checkpoint else 0) >= max(epochs, default=0) - 1
    assert rest_of(told, "resume") == [f"resume={run.info.run_id}"]
    assert place.start(f"resume={run.info.run_id}") == 0
    return place.client.get_run(run.info.run_id)


def go_through(place: Place, numbers: list[signal.Signals], seed: int) -> int:
    """Stop a run at random moments, with one signal after the other, and go on; how often that went well."""
    arguments = [*SOLO[0].split(), f"train.epochs={EPOCHS}", NO_PICTURES]
    assert place.start(*arguments) == 0
    reference = place.runs()[0]
    moment, gone_on = random.Random(seed), 0
    while gone_on < len(numbers):
        run = stop_and_go_on(place, arguments, moment.uniform(0, 0.6), numbers[gone_on])
        if run is None:
            continue
        assert run.info.status == "FINISHED"
        assert_same(place.rows(run), place.rows(reference))
        state, wanted = last_state(run), last_state(reference)
        assert {name for name in wanted if not state[name].equal(wanted[name])} == set()
        gone_on += 1
    return gone_on


@pytest.mark.slow
@BOTH
def test_six_runs_stopped_at_random_moments_lose_nothing(
    number: signal.Signals, in_tmp_path: Path, injected: Injected
) -> None:
    assert go_through(Place(in_tmp_path), 6 * [number], seed=number) == 6
    injected(6)


def stop_sweep(place: Place, number: signal.Signals, moments: int, seed: int) -> int:
    """The same of a sweep that trains its members as one program."""
    arguments = [*SWEEP, "train.epochs=240"]  # 60 were over in half a second, before most signals came
    assert place.start(*arguments) == 0
    undisturbed = newest_sweep(place)
    assert undisturbed is not None
    reference = rows_of_members(place, undisturbed)
    own_arrangement = arrangement(place, undisturbed)
    moment, gone_on = random.Random(seed), 0
    while gone_on < moments:
        before = newest_sweep(place)
        told = stop(place, arguments, moment.uniform(0, 1), number, SECONDS + seconds_of_books())
        sweep = newest_sweep(place)
        if told is None or sweep is None or sweep == before:
            continue  # it had not begun
        assert place.client.get_run(sweep).info.status == "KILLED"
        statuses = {run.info.status for run in members(place, sweep).values()}
        if statuses == {"FINISHED"}:
            continue  # all was done but for the sweep's own end
        assert statuses == {"KILLED"}
        assert rest_of(told, "sweep.resume") == ["-m", f"sweep.resume={sweep}"]
        assert place.start("-m", f"sweep.resume={sweep}") == 0
        found = rows_of_members(place, sweep)
        assert found.keys() == reference.keys()
        assert arrangement(place, sweep) == own_arrangement
        for value, rows in found.items():
            assert_same(rows, reference[value])
        gone_on += 1
    return gone_on


def rows_of_members(place: Place, sweep: str) -> dict[str, Rows]:
    return {value: place.rows(run) for value, run in members(place, sweep).items()}


@pytest.mark.slow
@BOTH
def test_three_stacks_stopped_at_random_moments_lose_nothing(
    number: signal.Signals, in_tmp_path: Path, injected: Injected
) -> None:
    assert stop_sweep(Place(in_tmp_path), number, moments=3, seed=number) == 3
    injected(3)
