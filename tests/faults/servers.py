"""A real MLflow server that can be stopped and started again, and a proxy before it that misbehaves."""

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Self

from runner.commands.ui import SETTINGS

Fault = Callable[[bytes], str]
"""Says of a request what is to be done: ``pass``, ``hang``, ``drop`` (the reply), or a status as ``503``."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


class Server:
    """An MLflow server on loopback, with its store in ``folder``; leaving its context ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                 "--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/server.db",
                 "--artifacts-destination", str(self.folder / "artifacts")],
                cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, **SETTINGS},
            )  # fmt: skip
        deadline = time.monotonic() + 300
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)


class Proxy(socketserver.ThreadingTCPServer):
    """Hands requests on to a server, one a connection, and does with them what ``fault`` says.

    Attributes:
        fault: asked with each request's first line.
        seen: the first lines of all requests.
    """

    allow_reuse_address = daemon_threads = True
    block_on_close = False

    def __init__(self, target: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.target = target
        self.fault: Fault = lambda _: "pass"
        self.seen: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        self.shutdown()  # or the thread would ask a socket that is closed, for ever and at once
        super().server_close()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Connection(socketserver.StreamRequestHandler):
    """One request."""

    server: Proxy

    def handle(self) -> None:
        request = self._read(self.rfile)
        line = request.partition(b"\r\n")[0]
        if not line:
            return
        self.server.seen.append(line.decode())
        what = self.server.fault(line)
        if what == "hang":
            time.sleep(60)
        elif what.isdecimal():
            self.wfile.write(
                f"HTTP/1.1 {what} No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone".encode()
            )
        else:
            assert self.server.target is not None
            with socket.create_connection(("127.0.0.1", self.server.target), timeout=60) as there:
                there.sendall(request)
                reply = self._read(there.makefile("rb"))
            if what == "pass":
                self.wfile.write(reply)

    @staticmethod
    def _read(file: IO[bytes] | BufferedIOBase) -> bytes:
        """A message, headers and body; of the connection nothing more is used."""
        head, length, chunked = b"", 0, False
        while (line := file.readline()) not in (b"", b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            chunked = chunked or (name.lower() == b"transfer-encoding" and b"chunked" in value)
            if name.lower() != b"connection":
                head += line
        if not head:
            return b""
        head += b"Connection: close\r\n\r\n"
        if not chunked:
            return head + file.read(length)
        body = b""
        while True:
            size = file.readline()
            body += size + file.read(int(size, 16) + 2)
            if int(size, 16) == 0:
                return head + body
