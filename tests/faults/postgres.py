"""A real PostgreSQL on loopback, with nothing in it, that can be stopped and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.faults.servers import free_port

ACCOUNT = "postgres"
"""Who runs the server where root runs the tests, as whom it refuses to run."""


def programs() -> Path | None:
    """The folder of the server's programs, which Debian has beside the path; None if it is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path := shutil.which("pg_isready"):
        folders.append(Path(on_path).parent)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Postgres:
    """A server whose context makes it and ends it.

    Attributes:
        uri: of its database.
    """

    def __init__(self, programs: Path) -> None:
        self._programs, self._port = programs, free_port()
        self._account = ACCOUNT if os.geteuid() == 0 else None
        self.uri = f"postgresql://runner@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp())
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        options = ("-A", "trust", "-U", "runner", "--no-sync")
        subprocess.run(
            [self._programs / "initdb", "-D", self._folder / "data", *options],
            check=True, capture_output=True, user=self._account,
        )  # fmt: skip
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        options = {"port": self._port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._folder / "data", *words],
            user=self._account, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def _answers(self) -> bool:
        program, port = self._programs / "pg_isready", str(self._port)
        return subprocess.run([program, "-q", "-h", "127.0.0.1", "-p", port], check=False).returncode == 0

    def stop(self) -> None:
        """End it and all connections to it at once."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
