"""Command lines that are killed at their n-th operation on files below ``outputs``: ``killing.c`` counts."""

import ctypes
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from tests import warm

PROCESSES, SECONDS = 64, 60.0


class State(ctypes.Structure):
    """``struct state`` of killing.c."""

    _fields_ = [
        ("count", ctypes.c_long), ("at", ctypes.c_long), ("half", ctypes.c_int), ("alone", ctypes.c_int),
        ("has_crashed", ctypes.c_int), ("processes", ctypes.c_int), ("pids", ctypes.c_int * PROCESSES),
        ("folder", ctypes.c_char * 1024), ("list", ctypes.c_char * 1024),
    ]  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Where a command line is killed.

    Attributes:
        number: the operation, from 1; 0: nowhere.
        half: whether half of it is done.
    """

    number: int
    half: bool = False

    def __str__(self) -> str:
        return f"{self.number}{'.5' if self.half else ''}"


@dataclass(frozen=True)
class Operation:
    """What a command line did to a file: ``write``, ``rename``, …, and the file's place below ``outputs``."""

    number: int
    kind: str
    path: str


@dataclass(frozen=True)
class Crashed:
    """How a command line ended that was to be killed, and the operations that are known of it."""

    ended: warm.Ended
    operations: list[Operation]


@cache
def library() -> str:
    """The library that counts operations, compiled."""
    place = Path(mkdtemp(prefix="crash-")) / "crash.so"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", place, source, "-ldl"], check=True)
    return str(place)


def crash(folder: Path, arguments: Sequence[str], point: Point, alone: bool = False) -> Crashed:
    """Start a command line in ``folder``, and kill it where it changes files below ``outputs``.

    ``alone`` kills the process that is about to change the file; else all of the command line's die.
    """
    with TemporaryDirectory() as place:
        listed, shared = Path(place, "list"), Path(place, "state")
        state = State(
            at=point.number, half=point.half, alone=alone,
            folder=os.fsencode(folder / "outputs") + b"/", list=os.fsencode(listed),
        )  # fmt: skip
        shared.write_bytes(bytes(state))
        preloaded = {"LD_PRELOAD": library(), "CRASH_STATE": str(shared)}
        ended = warm.run(folder, arguments, environment() | preloaded, preloaded=library())
        wait_for_end(State.from_buffer_copy(shared.read_bytes()))
        lines = listed.read_text().splitlines() if listed.exists() else []
    below = len(str(folder / "outputs")) + 1
    fields = [line.split("\t") for line in lines]
    return Crashed(ended, [Operation(int(number), kind, path[below:]) for number, kind, path in fields])


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def wait_for_end(state: State) -> None:
    """Return when no process of a command line is left."""
    until = time.monotonic() + SECONDS
    for pid in list(state.pids)[: state.processes]:
        while is_alive(pid):
            assert time.monotonic() < until, f"process {pid} lives on"
            time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
