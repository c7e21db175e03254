"""A local MLflow server for as long as it is needed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.process import ProcessError, environment

PATIENCE = 120
"""Seconds that the server may take until it answers."""


@contextlib.contextmanager
def mlflow_server(folder: Path, threads: int) -> Iterator[str]:
    """Start a server with one worker, its database and artifacts in ``folder``; gives its address.

    Raises:
        ProcessError: if it ends or does not answer in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = {
        "host": "127.0.0.1",
        "port": str(port),
        "workers": "1",
        "backend-store-uri": f"sqlite:///{folder}/server.db",
        "artifacts-destination": str(folder / "artifacts"),
    }
    command = [sys.executable, "-m", "mlflow", "server", *(f"--{key}={arguments[key]}" for key in arguments)]
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(threads, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),  # no 8 processes more
            stdout=output,
            stderr=output,
            start_new_session=True,  # its workers end with it
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, server, log)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def wait_until_healthy(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return as soon as the server answers.

    Raises:
        ProcessError: if it ends or does not answer in time.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    how = f"exit code {server.returncode}" if server.returncode is not None else f"no answer in {PATIENCE} s"
    raise ProcessError(["mlflow", "server"], how, log.read_text())
