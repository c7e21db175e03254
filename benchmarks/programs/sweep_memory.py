"""A sweep and the most memory that its processes held: ``sweep_memory <overrides>``.

The last line of stdout says ``{"wall": s, "trains": bytes, "books": bytes}``: the seconds from start to end
of ``python -m runner -m <overrides>``, the greatest resident memory of that process, and that of the process
that it started for the longest time, which is the one that keeps its books.
"""

import json
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import perf_counter

INTERVAL = 0.05
"""Seconds between two looks; Linux itself remembers the greatest value in between."""

PEAK = "VmHWM:"


def peak(pid: int) -> int:
    """The most bytes that a process has held so far; 0 if it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(PEAK))
    return 0


def children(pid: int) -> list[int]:
    """The processes that a process has started, whichever of its threads did."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def watch(sweep: "subprocess.Popen[bytes]") -> dict[str, int]:
    """The greatest values of the sweep and of its longest child, when it has ended.

    Each process's last value counts: one that was just forked still has its parent's.
    """
    peaks: dict[int, int] = {}
    looks: Counter[int] = Counter()
    while sweep.poll() is None:
        started = children(sweep.pid)
        looks.update(started)
        peaks |= {pid: held for pid in (sweep.pid, *started) if (held := peak(pid))}
        with suppress(subprocess.TimeoutExpired):
            sweep.wait(INTERVAL)
    longest = max(looks, key=looks.__getitem__, default=0)
    return {"trains": peaks.get(sweep.pid, 0), "books": peaks.get(longest, 0)}


def main() -> None:
    """Run, print, and end as the sweep did."""
    started = perf_counter()
    command = [sys.executable, "-m", "runner", "-m", *sys.argv[1:]]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sweep:
        greatest = watch(sweep)
        wall = perf_counter() - started
    print(json.dumps({"wall": wall, **greatest}))
    sys.exit(sweep.returncode)


if __name__ == "__main__":
    main()
