"""A run in a process of its own, killed with ``kill -9`` when it has told some epochs."""

import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, sys, time
from pathlib import Path
from runner.process.launch import Launch
from runner.tracking.tracker import Tracker
config, folder, steps = json.loads(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
with Tracker(config, Launch(folder, "mlp", (), "command"), {}) as tracker:
    for step in range(1, steps + 1):
        tracker.metrics({"train/loss": step / 2}, step)
    print(tracker.location.run_id, flush=True)
    time.sleep(600)
"""


def start(config: str, folder: Path, steps: int) -> tuple[subprocess.Popen[str], str]:
    """A run that has told ``steps`` epochs and goes on; its process, and what it calls itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, config, str(folder), str(steps)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    assert process.stdout is not None
    process.stdout.close()
