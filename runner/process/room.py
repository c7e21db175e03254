"""Room in memory: where there is too little of it, that is told in a line."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.errors import RunnerError, first_line

SAID = (
    "allocate memory",
    "out of memory",
    "not enough memory",
    "calculation overflowed",
    "multiplication overflow",
)
"""Words in which torch's RuntimeErrors say that there is none, or never could be."""


MEMINFO = Path("/proc/meminfo")
"""What Linux says of its memory, in KiB."""


def free_memory() -> int:
    """The bytes that are free, or could be made so; all of the machine where it doesn't tell."""
    if MEMINFO.exists():
        found = re.search(r"MemAvailable:\s*(\d+)", MEMINFO.read_text())
        if found:
            return int(found[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@contextmanager
def room_for(what: str, less: str = "") -> Iterator[None]:
    """Tell of too little memory in a line, and what would need less.

    Raises:
        RunnerError: if something in the context asks for more than there is.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in SAID):
            raise
        hint = f"; {less}" if less else ""
        raise RunnerError(f"{what}: does not fit into memory: {first_line(error)}{hint}") from error
