"""Which process writes a run, so that another can tell later whether it is still there."""

import os
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process of some host; ``started`` tells it from a later one with the same number."""

    host: str
    pid: int
    started: str

    @classmethod
    def parse(cls, text: str) -> "Process | None":
        """What ``str`` gave; None if it did not."""
        host, _, rest = text.partition(" ")
        pid, _, started = rest.partition(" ")
        return cls(host, int(pid), started) if pid.isdecimal() else None

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started}"

    @property
    def is_here(self) -> bool:
        """Whether it is, or was, one of this host."""
        return self.host == hostname()

    @property
    def is_alive(self) -> bool:
        """Whether it is there; of this host's processes alone."""
        return start_of(self.pid) == self.started


def this_process() -> Process:
    """The one that asks."""
    return Process(hostname(), os.getpid(), start_of(os.getpid()))


def hostname() -> str:
    """The host's name, in one word."""
    return socket.gethostname().replace(" ", "-")


@cache
def boot() -> str:
    """What tells one start of this host from another, where that is to be had."""
    told = Path("/proc/sys/kernel/random/boot_id")
    return told.read_text()[:8] if told.exists() else ""


def start_of(pid: int) -> str:
    """When a process of this host was started, in whatever words the system has; empty if it isn't there."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else f"{boot()}-{fields[19]}"  # a zombie works no more
    told = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "-".join(told.stdout.split())
