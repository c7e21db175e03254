"""Small files that are there whole or as they were before, at whatever moment the process is killed."""

import os
from pathlib import Path

PRIVATE = 0o600
"""The mode of files that may hold secrets: their owner's alone."""


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8 beside its place, and put it there at once. Nothing waits for the disk."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)
    unfinished.replace(path)


def write_private(path: Path, text: str) -> None:
    """Do the same with a text that may hold secrets: nobody else can read it, not for a moment."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "w", encoding="utf-8", opener=private) as file:
        file.write(text)
    unfinished.replace(path)


def private(path: str, flags: int) -> int:
    """Open a file, as ``open`` asks its opener: one that is new is its owner's alone."""
    return os.open(path, flags, PRIVATE)
