"""Secrets are told to nobody."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECRET = re.compile(
    r"(\w[\w+.-]{0,40}\\{0,4}:/{1,2})(?:[^/\s'\"@:]{1,4000}|[^/\s'\"@:]{0,4000}:(?!\d+/)[^\s'\"]{0,4000})@"
)
"""A user, or a user and a password, before a host; what follows a port and a slash is a path.

A path leaves one slash of a URI's two, Hydra's grammar puts a backslash before its colons.

The lengths are bounded, since the time for a long text would grow with its square."""


def masked(text: str) -> str:
    """A text in which URIs name no user and no password.

    >>> masked("tracking.uri=https://me:secret@host/path")
    'tracking.uri=https://***@host/path'
    """
    return SECRET.sub(r"\1***@", text)


def masked_values(value: Any) -> Any:
    """Plain mappings, lists and scalars, each text in them masked."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: masked_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked_values(each) for each in value]
    return value


@contextmanager
def masked_file(path: Path) -> Iterator[Path]:
    """A file to hand on: itself, or if it is a text with secrets in it a masked copy of the same name."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture
        yield path
        return
    told = masked(text)
    if told == text:
        yield path
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_text(told, encoding="utf-8")
        yield copy
