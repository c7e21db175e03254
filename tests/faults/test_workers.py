"""One of two workers killed: both end, the run says so, and what goes on ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.test_between import Undisturbed
from tests.faults.test_resume import Place, assert_same, last_state
from tests.process.test_parallel import torchrun

ARGUMENTS = ("optim=momentum", "train.epochs=150", "train.checkpoint_every=1", "tracking.log_model=false")
SECONDS = 30.0


def worker(agent: int, rank: int) -> int:
    """The process with this rank of those that torchrun has started."""
    children = Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
    ranks = [f"\0RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes() for child in children]
    return int(children[ranks.index(True)])


def killed(folder: Path, rank: int) -> str:
    """Train, and kill a worker after ten epochs; what all have said on stderr."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    agent = subprocess.Popen(
        [*command, "-m", "runner", *ARGUMENTS],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert agent.stdout is not None
    for line in agent.stdout:
        if line.startswith("epoch  10/"):
            break
    os.kill(worker(agent.pid, rank), signal.SIGKILL)
    started = time.monotonic()
    _, told = agent.communicate(timeout=60)
    assert time.monotonic() - started < SECONDS
    assert agent.returncode == 1
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Two workers that nobody kills."""
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    assert torchrun(place.folder, *ARGUMENTS).returncode == 0
    (run,) = place.runs()
    return Undisturbed(place.rows(run), last_state(run))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_worker_that_is_killed_takes_no_epoch_with_it(
    rank: int, in_tmp_path: Path, undisturbed: Undisturbed
) -> None:
    place = Place(in_tmp_path)
    told = killed(in_tmp_path, rank)
    (run,) = place.runs()
    assert (run.info.status, rank) in [("KILLED", 0), ("FAILED", 1), ("KILLED", 1)], told
    again = torchrun(in_tmp_path, f"resume={run.info.run_id}")
    assert again.returncode == 0, again.stderr
    assert "going on after epoch" in again.stdout
    run = place.client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert_same(place.rows(run), undisturbed.rows)
    state, wanted = last_state(run), undisturbed.state
    assert {name for name in wanted if not state[name].equal(wanted[name])} == set()
