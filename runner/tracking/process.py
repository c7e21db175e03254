"""Which process writes a run, so that another can tell later whether it is still there."""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, as a run's tag tells it.

    Attributes:
        host: the host's name.
        pid: its number there.
        started: when, which tells it from a later one with the same number.
        place: what numbers are unique in: one start of one host, one container.
    """

    host: str
    pid: int
    started: str
    place: str

    @classmethod
    def parse(cls, text: str) -> "Process | None":
        """What ``str`` gave; None if it did not."""
        words = text.split(" ")
        if len(words) != 4 or not words[1].isdecimal():
            return None
        return cls(words[0], int(words[1]), words[2], words[3])

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started} {self.place}"

    @property
    def is_near(self) -> bool:
        """Whether this process can see it, if it is there."""
        return (self.host, self.place) == (hostname(), place())

    @property
    def is_alive(self) -> bool:
        """Whether it is there; of a near one alone."""
        return start_of(self.pid) == self.started


def this_process() -> Process:
    """The one that asks."""
    return Process(hostname(), os.getpid(), start_of(os.getpid()), place())


def hostname() -> str:
    """The host's name, in one word."""
    return socket.gethostname().replace(" ", "-")


def place() -> str:
    """The host's start and the container, where the system tells them."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "-"


def start_of(pid: int) -> str:
    """When a near process was started, in whatever words the system has; empty if it isn't there."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]  # a zombie works no more
    ps = ["ps", "-o", "lstart=", "-p", str(pid)]
    told = subprocess.run(ps, capture_output=True, text=True, check=False)
    return "-".join(told.stdout.split())
