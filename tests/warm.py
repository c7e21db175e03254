"""Command lines in processes that have imported torch and mlflow already, so that none waits for that.

``python -m tests.warm`` forks itself for each command line that it is told of, and tells its exit code.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

WHAT_TAKES_LONG = (
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "runner.experiment",
    "runner.tracking.model",
    "runner.trained.pictures",
)

SECONDS = 300
"""A command line that takes longer is killed."""


def run(
    folder: Path,
    arguments: Sequence[str],
    environment: dict[str, str],
    kill_after: float | None = None,
    kill_children: bool = False,
    number: signal.Signals = signal.SIGKILL,
    once_it_speaks: bool = False,
    preloaded: str = "",
) -> "Ended":
    """``python -m runner <arguments>`` in ``folder``, in a process of its own that is warm.

    It is sent a signal after so many seconds, if that is wanted, and so are the processes that it started;
    the seconds begin with it, or with its first word. ``preloaded`` is a library of which it calls first.
    """
    with TemporaryDirectory() as out:
        told = [str(folder), out, arguments, environment, kill_after, kill_children, number, once_it_speaks]
        code, seconds = ask(json.dumps(told), preloaded).split()
        stdout, stderr = ((Path(out) / name).read_text() for name in ("stdout", "stderr"))
    return Ended(["runner", *arguments], int(code), stdout, stderr, float(seconds))


class Ended(subprocess.CompletedProcess[str]):
    """A process that has ended, and how many seconds it took to after it was sent a signal."""

    def __init__(self, args: list[str], code: int, stdout: str, stderr: str, seconds: float) -> None:
        super().__init__(args, code, stdout, stderr)
        self.seconds = seconds


def ask(line: str, preloaded: str = "") -> str:
    """What the process that forks itself answers to a line."""
    process = server(preloaded)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline()


SERVERS: dict[str, subprocess.Popen[str]] = {}
"""The processes that fork themselves, by the library that they were started with."""


def server(preloaded: str) -> subprocess.Popen[str]:
    """The process that forks itself, started at the first command line."""
    if preloaded not in SERVERS:
        SERVERS[preloaded] = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"],
            cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | ({"LD_PRELOAD": preloaded} if preloaded else {}),
        )  # fmt: skip
    return SERVERS[preloaded]


def stop() -> None:
    """End the processes that fork themselves."""
    while SERVERS:
        SERVERS.popitem()[1].communicate()


def serve() -> None:
    """Answer until nothing more is asked; returns in each fork too, which is then the command line."""
    for name in WHAT_TAKES_LONG:
        importlib.import_module(name)
    gc.freeze()  # forks share what is there: none looks through it for garbage
    for line in sys.stdin:
        *told, kill_after, kill_children, number, once_it_speaks = json.loads(line)
        child = os.fork()
        if child == 0:
            become(*told)
            return
        if kill_after is not None:
            while once_it_speaks and not is_silent_no_more(Path(told[1], "stdout"), child):
                time.sleep(0.01)
            time.sleep(kill_after)
            kill(child, kill_children, number)
        signalled = time.monotonic()
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), time.monotonic() - signalled, flush=True)


def is_silent_no_more(stdout: Path, process: int) -> bool:
    """Whether a process has said something, or has ended."""
    has_ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    return has_ended or (stdout.exists() and stdout.stat().st_size > 0)


def kill(process: int, with_children: bool, number: int) -> None:
    """Send a signal to a process, and to those that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split() if with_children else []
    for each in (process, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(each, number)


def become(folder: str, out: str, arguments: list[str], environment: dict[str, str]) -> None:
    """Be ``python -m runner`` from here on."""
    signal.alarm(SECONDS)
    for descriptor, name in enumerate((os.devnull, f"{out}/stdout", f"{out}/stderr")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = ["runner", *arguments]
    runpy.run_module("runner", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
