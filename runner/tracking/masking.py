"""Secrets are told to nobody."""

import re
from typing import Any

SECRET = re.compile(
    r"(\w[\w+.-]{0,40}://)(?:[^/\s'\"@:]{1,4000}|[^/\s'\"@:]{0,4000}:(?!\d+/)[^\s'\"]{0,4000})@"
)
"""A user, or a user and a password, before a host; what follows a port and a slash is a path.

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
