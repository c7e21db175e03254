"""One run of the runner and the most memory that it held: ``peak_memory <overrides>``.

The last line of stdout says ``{"resident": bytes, "own": bytes}``: all pages in memory, and those of them
that are no file's. Pages of a memory-mapped file are counted as resident although the system takes them back
when it needs them; what the program cannot give back is its own.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import runner

INTERVAL = 0.02
"""Seconds between two looks."""

RESIDENT, OWN = "VmRSS", "RssAnon"


def memory() -> dict[str, int]:
    """Bytes by the names that Linux gives them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = (line.split() for line in lines if line.startswith((RESIDENT, OWN)))
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in fields}


@contextmanager
def watched() -> Iterator[dict[str, int]]:
    """The greatest values seen while the context lasts."""
    greatest = memory()
    over = Event()

    def watch() -> None:
        while not over.wait(INTERVAL):
            for name, value in memory().items():
                greatest[name] = max(greatest[name], value)

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield greatest
    finally:
        over.set()
        watcher.join()


def main() -> None:
    """Run and print."""
    with watched() as greatest:
        runner.run(sys.argv[1:])
    print(json.dumps({"resident": greatest[RESIDENT], "own": greatest[OWN]}))


if __name__ == "__main__":
    main()
