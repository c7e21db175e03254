"""``kill -9`` at any moment: what goes on ends as if nothing had happened: the same runs, the same bits."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run

from runner.checkpoints.file import CHECKPOINTS, newest
from runner.config import sqlite_uri
from runner.sweep.kept_blocks import BLOCKS
from runner.tracking import events
from runner.tracking.journal import Journal
from runner.tracking.location import Location
from tests import warm
from tests.conftest import Injected

Rows = dict[tuple[str, int], list[float]]

SOLO = [
    "optim=momentum model=mlp",
    "optim=adam schedule=cosine train.average=0.99 data.val=0.2",
    "optim=heavy_ball +model.layers.d={type:dropout,p:0.2} train.restore_best=true",
]
EPOCHS = 60
NO_PICTURES = "tracking.pictures=false"  # which take longer than the training
SWEEP = ("-m", "optim=momentum", "optim.lr=0.1,0.15,0.2,0.3", "sweep.mode=4")
"""Of one key: which of several is important is worked out for seconds."""


@dataclass
class Place:
    """A folder in which command lines are started."""

    folder: Path

    def start(self, *arguments: str, kill_after: float | None = None, whole: bool = False) -> int:
        """The exit code; what was said is shown where a test fails."""
        done = warm.run(self.folder, arguments, self.environment, kill_after, whole)
        print(arguments, done.returncode, done.stdout, done.stderr, sep="\n")
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "OMP_NUM_THREADS": "1"}

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(sqlite_uri.from_path(self.folder / "outputs" / "mlflow.db"))

    def runs(self) -> list[Run]:
        """All, the newest first; none if there is no store yet."""
        if not (self.folder / "outputs" / "mlflow.db").exists():
            return []
        experiments = [each.experiment_id for each in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, max_results=5000)) if experiments else []

    def rows(self, run: Run) -> Rows:
        """All rows of a run's metrics that tell of neither time nor machine."""
        found: Rows = {}
        for name in run.data.metrics:
            if not name.startswith(("time/", "system/")):
                for row in self.client.get_metric_history(run.info.run_id, name):
                    found.setdefault((name, row.step), []).append(row.value)
        return found


def assert_same(rows: Rows, expected: Rows) -> None:
    assert {key for key, values in rows.items() if len(values) > 1} == set()
    assert rows == expected


def last_state(run: Run) -> dict[str, torch.Tensor]:
    checkpoint = newest(Path(run.data.tags["runner.folder"]) / CHECKPOINTS)
    assert checkpoint is not None
    return dict(checkpoint.snapshot.tensors)


def kill_and_go_on(place: Place, arguments: list[str], moment: float) -> Run | None:
    """The run, killed after so many seconds and gone on with; None if it had not begun, or was over."""
    before = {run.info.run_id for run in place.runs()}
    if place.start(*arguments, kill_after=moment) == 0:
        return None
    new = [run for run in place.runs() if run.info.run_id not in before]
    if not new:
        return None
    (run,) = new
    if run.info.status == "FINISHED":
        return None
    assert place.start(f"resume={run.info.run_id}") == 0
    return place.client.get_run(run.info.run_id)


def warm_up(place: Place) -> None:
    """Have the first command line take as long as the others."""
    warm.run(place.folder, ["--help"], {**os.environ})


def go_through(place: Place, overrides: str, moments: int, seed: int) -> Counter[str]:
    """Kill a run at random moments; what each time came to."""
    arguments = [*overrides.split(), f"train.epochs={EPOCHS}", "train.checkpoint_every=1", NO_PICTURES]
    warm_up(place)
    started = time.monotonic()
    assert place.start(*arguments) == 0
    seconds = time.monotonic() - started
    (reference,) = place.runs()
    moment, counted = random.Random(seed), Counter[str]()
    while counted["gone on"] < moments:
        assert counted["in vain"] < 10 * moments
        run = kill_and_go_on(place, arguments, moment.uniform(0.05, 0.8) * seconds)
        if run is None:
            counted["in vain"] += 1
            continue
        assert run.info.status == "FINISHED"
        assert_same(place.rows(run), place.rows(reference))
        state, wanted = last_state(run), last_state(reference)
        assert state.keys() == wanted.keys()
        assert all(torch.equal(state[name], wanted[name]) for name in state)
        counted["gone on"] += 1
    return counted


@pytest.mark.slow
@pytest.mark.parametrize("overrides", SOLO)
def test_thirty_runs_killed_at_random_moments_go_on_to_the_same_bits(
    overrides: str, in_tmp_path: Path, injected: Injected
) -> None:
    counted = go_through(Place(in_tmp_path), overrides, moments=10, seed=SOLO.index(overrides) + 1)
    assert counted["gone on"] == 10
    injected(counted["gone on"])


def members(place: Place, sweep: str) -> dict[str, Run]:
    """The jobs' runs of a sweep, by their overrides' config."""
    runs = [run for run in place.runs() if run.data.tags.get("sweep_id") == sweep]
    jobs = [run for run in runs if run.info.run_id != sweep]
    found = {run.data.tags["config_hash"]: run for run in jobs}
    assert len(found) == len(jobs), "a job has one run"
    return found


def arrangement(place: Place, sweep: str) -> object:
    """Which jobs of a sweep train together, and how: by that they round."""
    folder = Path(place.client.get_run(sweep).data.tags["runner.folder"])
    return json.loads((folder / BLOCKS).read_text())


def newest_sweep(place: Place) -> str | None:
    sweeps = [run for run in place.runs() if run.data.tags.get("sweep_id") == run.info.run_id]
    return str(sweeps[0].info.run_id) if sweeps else None


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True], ids=["the trainer", "the trainer and the books"])
def test_ten_stacks_killed_at_random_moments_go_on_to_the_same_bits(
    whole: bool, in_tmp_path: Path, injected: Injected
) -> None:
    """All members in their own runs, whether the process that keeps the books outlives the other or not."""
    place = Place(in_tmp_path)
    arguments = [*SWEEP, "train.epochs=120", "train.checkpoint_every=1"]
    warm_up(place)
    started = time.monotonic()
    assert place.start(*arguments) == 0
    seconds = time.monotonic() - started
    sweep = newest_sweep(place)
    assert sweep is not None
    reference = {value: place.rows(run) for value, run in members(place, sweep).items()}
    own_arrangement = arrangement(place, sweep)
    moment, gone_on = random.Random(whole), 0
    while gone_on < 10:
        before = newest_sweep(place)
        code = place.start(*arguments, kill_after=moment.uniform(0.5, 0.95) * seconds, whole=whole)
        sweep = newest_sweep(place)
        if code == 0 or sweep is None or sweep == before:
            continue  # it was over, or had not begun
        assert place.start("-m", f"sweep.resume={sweep}") == 0
        found = members(place, sweep)
        assert {run.info.status for run in found.values()} == {"FINISHED"}
        assert found.keys() == reference.keys()
        assert arrangement(place, sweep) == own_arrangement
        for value, run in found.items():
            assert_same(place.rows(run), reference[value])
        gone_on += 1
    assert gone_on == 10
    injected(gone_on)


@pytest.mark.slow
def test_an_end_that_waited_in_a_killed_sweeps_journal_is_no_job_to_do_again(in_tmp_path: Path) -> None:
    place = Place(in_tmp_path)
    assert place.start(*SWEEP, "train.epochs=2") == 0
    sweep = newest_sweep(place)
    assert sweep is not None
    before = members(place, sweep)
    run = next(iter(before.values()))
    place.client.update_run(run.info.run_id, status="RUNNING")
    folder = Path(run.data.tags["runner.folder"])
    where = Location(place.client.tracking_uri, run.info.experiment_id, run.info.run_id)
    Journal(folder).append(events.continued(where), *events.ended(folder, "FINISHED", None))
    assert place.start("-m", f"sweep.resume={sweep}") == 0
    after = members(place, sweep)
    assert {run.info.run_id for run in after.values()} == {run.info.run_id for run in before.values()}
    assert {run.info.status for run in after.values()} == {"FINISHED"}


@pytest.mark.slow
def test_two_hundred_kills_during_a_save_leave_no_checkpoint_that_cannot_be_read(
    tmp_path: Path, injected: Injected
) -> None:
    """And each time the newest is at most the one that was being written behind."""
    program = (
        "import sys, torch\nfrom pathlib import Path\n"
        "from runner.checkpoints.keeper import Keeper\nfrom runner.training.snapshot import Snapshot\n"
        "import os, signal, time, random\n"
        "folder, last = Path(sys.argv[1]), 0\n"
        "moments = random.Random(0)\n"
        "from runner.checkpoints.file import newest\n"
        "for attempt in range(200):\n"
        "    read, write = os.pipe()\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        keeper = Keeper(folder, 1, {'attempt': attempt})\n"
        "        for epoch in range(last + 1, last + 10_000):\n"
        "            keeper.show(Snapshot(epoch, {'a': torch.full((20_000,), float(epoch))}, {}), 1)\n"
        "            keeper._writer.join()\n"
        "            os.write(write, b'.')\n"
        "        os._exit(0)\n"
        "    os.read(read, 1)\n"
        "    time.sleep(moments.uniform(0, 0.02))\n"
        "    os.kill(child, signal.SIGKILL)\n"
        "    os.waitpid(child, 0)\n"
        "    os.set_blocking(read, False)\n"
        "    whole = 1\n"
        "    try:\n"
        "        whole += len(os.read(read, 100_000))\n"
        "    except BlockingIOError:\n"
        "        pass\n"
        "    os.close(read), os.close(write)\n"
        "    found = newest(folder)\n"
        "    assert found is not None and found.snapshot.epoch >= last + whole, (attempt, last, whole)\n"
        "    assert bool((found.snapshot.tensors['a'] == found.snapshot.epoch).all())\n"
        "    last = found.snapshot.epoch\n"
        "print(attempt + 1, 'loaded')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("200 loaded\n", "")
    injected(200)
