"""One of two workers killed: both end, the run says so, and what goes on ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_worker_that_is_killed_takes_no_epoch_with_it(rank: int, in_tmp_path: Path) -> None:
    place = Place(in_tmp_path)
    assert torchrun(in_tmp_path, *ARGUMENTS).returncode == 0
    (reference,) = place.runs()
    told = killed(in_tmp_path, rank)
    run = place.runs()[0]
    assert run.info.run_id != reference.info.run_id
    assert (run.info.status, rank) in [("KILLED", 0), ("FAILED", 1), ("KILLED", 1)], told
    again = torchrun(in_tmp_path, f"resume={run.info.run_id}")
    assert again.returncode == 0, again.stderr
    assert "going on after epoch" in again.stdout
    run = place.client.get_run(run.info.run_id)
    assert run.info.status == "FINISHED"
    assert_same(place.rows(run), place.rows(reference))
    state, wanted = last_state(run), last_state(reference)
    assert {name for name in wanted if not state[name].equal(wanted[name])} == set()
