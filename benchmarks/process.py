"""Other programs, each in a process of its own: the same threads, and none of the caller's settings."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
FOREIGN_SETTINGS = ("MLFLOW_", "HYDRA_", "OMP_", "MKL_")
TAIL = 15
"""Lines of stderr that are shown of a program that failed."""

TIMEOUT = 3600
"""Seconds after which a program that has not ended is taken to hang."""


class ProcessError(Exception):
    """A program ended with an error: which, how, and the end of what it said."""

    def __init__(self, command: Sequence[str], code: str, stderr: str) -> None:
        end = "\n".join(stderr.strip().splitlines()[-TAIL:])
        super().__init__(without_places(f"{' '.join(command)}\nended with {code}:\n{end}"))


def without_places(text: str) -> str:
    """A text that may be published: where things lie on this machine is nobody's affair."""
    places = {
        sys.executable: "python",
        sys.prefix: "<environment>",
        str(CHECKOUT): ".",
        str(Path.home()): "~",
    }
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    return text


def environment(threads: int, **more: str) -> dict[str, str]:
    """What programs see: this checkout first on the path, no settings of MLflow or Hydra, so many threads.

    The number is set only where it is not the one that torch takes by itself, as for a user.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)}
    if threads != os.cpu_count():
        ours |= {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return {**ours, "PYTHONPATH": str(CHECKOUT), "MLFLOW_DISABLE_TELEMETRY": "true", **more}


def run_python(arguments: Sequence[str], *, threads: int, folder: Path, **more: str) -> tuple[float, str]:
    """Run ``python <arguments>`` in ``folder``; returns the seconds from start to end, and its stdout.

    Raises:
        ProcessError: if its exit code is not 0 or it takes longer than ``TIMEOUT``.
    """
    command = [sys.executable, *arguments]
    started = perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(threads, **more),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError(command, f"no end after {TIMEOUT} s", "") from error
    seconds = perf_counter() - started
    if done.returncode != 0:
        raise ProcessError(command, f"exit code {done.returncode}", done.stderr)
    return seconds, done.stdout


def last_json(stdout: str) -> Any:
    """What a program's last line says."""
    return json.loads(stdout.splitlines()[-1])
