"""``runner ui``: MLflow's pages on the runner's store."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import quote

from runner.commands.arguments import Arguments, run_program
from runner.errors import ConfigError, RunnerError
from runner.process.masking import MASK, masked, masked_value
from runner.tracking.moved_store import artifact_root, update_places

USAGE = """runner ui [<port>] [key=value …]

Serves MLflow's pages on the store, to this machine alone, and prints where. Ctrl-C ends it.

  port          5000, or a free one if that is taken; one that is typed has to be free
  experiment    whose page is shown first, runner if left out
  open          true opens the page in a browser
  tracking.uri  the store; outputs/mlflow.db if nothing else is said. If it is a server, its pages are told"""

KNOWN = ("port", "experiment", "open", "tracking.uri")

HOST, USUAL_PORT, LARGEST_PORT = "127.0.0.1", 5000, 65535

PATIENCE = 300.0
"""Seconds that the server may take until it answers."""

STORE, ARTIFACTS = "MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""What MLflow's server reads from its environment: its command line is for all to see."""

SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
"""The pages need no processes for jobs of MLflow's own."""

GRACE = 10.0
"""Seconds that it gets to end."""


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, ui)


def ui(arguments: Arguments) -> int:
    """Serve until a signal comes; the exit code.

    Raises:
        ConfigError: if the arguments are wrong, or the port that was typed is taken.
        RunnerError: if there is no store, or the server ends by itself.
    """
    typed = None if arguments.of("port") is None else arguments.whole_number("port", USUAL_PORT)
    opens, uri = arguments.flag("open"), arguments.store()
    experiment = arguments.of("experiment") or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "runner"
    if uri.startswith(("http://", "https://")):
        return tell(uri.rstrip("/"), experiment, opens)
    path = path_of(uri)
    port = port_for(typed)
    with server(uri, path, port) as process:
        tell(f"http://{HOST}:{port}", experiment, opens)
        raise RunnerError(f"the server has ended by itself, exit code {process.wait()}")


def tell(address: str, experiment: str, opens: bool) -> int:
    """Say where the pages are, and open them if that is wanted; the exit code."""
    page = f"{address}/#/experiments"
    asked = f"{address}/api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(experiment)}"
    with suppress(OSError, ValueError, KeyError), urllib.request.urlopen(asked, timeout=PATIENCE) as reply:
        page += f"/{json.load(reply)['experiment']['experiment_id']}/runs"  # else, all experiments are shown
    shown = masked_value(page)
    print(shown, flush=True)
    if opens and not webbrowser.open(shown.replace(f"{MASK}@", "")):  # which asks for name and password
        print("open: no browser could be started", file=sys.stderr)
        return 1
    return 0


def path_of(uri: str) -> Path | None:
    """The SQLite file behind a URI, made to name the artifacts beside it; None for another store.

    Raises:
        RunnerError: if it is not there, or can't be used.
    """
    from runner.config import sqlite_uri

    path = sqlite_uri.to_path(uri)
    if path is not None and not path.exists():
        raise RunnerError(
            f"tracking.uri: there is no store '{masked_value(uri)}'. The first run makes it: start one, or"
            " start this where runs are started, or write tracking.uri=…"
        )
    if path is not None:
        try:
            update_places(path)
        except sqlite3.Error as error:
            raise RunnerError(f"tracking.uri: '{masked_value(uri)}' cannot be used: {error}") from error
    return path


def port_for(typed: int | None) -> int:
    """The port to serve on.

    Raises:
        ConfigError: if the one that was typed is none or taken.
    """
    if typed is None:
        return USUAL_PORT if is_free(USUAL_PORT) else free_port()
    if typed > LARGEST_PORT:
        raise ConfigError([f"port: {typed} should be at most {LARGEST_PORT}"])
    if not is_free(typed):
        raise ConfigError([f"port: {typed} is taken. Without port=… a free one is found"])
    return typed


def is_free(port: int) -> bool:
    """Whether nobody listens there, and this user may."""
    with socket.socket() as tried:
        tried.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does, which waits for none
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def server(uri: str, path: Path | None, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    """MLflow's server, from when it answers; it and its workers end with the context.

    Raises:
        RunnerError: if it ends or does not answer in time.
    """
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    environment = {**os.environ, **SETTINGS, STORE: uri}
    if path is not None:
        environment[ARTIFACTS] = artifact_root(path).as_uri()
    with TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # a signal for this program reaches it from here alone
        )
        try:
            wait_until_healthy(process, port, log, uri)
            yield process
        finally:
            end(process)


def wait_until_healthy(process: "subprocess.Popen[bytes]", port: int, log: IO[bytes], uri: str) -> None:
    """Return as soon as the server answers.

    Raises:
        RunnerError: if it ends or does not answer in time.
    """
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    how = "does not answer" if process.poll() is None else f"has ended, exit code {process.returncode}"
    raise RunnerError(f"the server {how}: {masked(lines[-1], uri) if lines else 'it says nothing'}")


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the server with all its workers, which are its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
