"""SQLite files as the URIs that MLflow knows them by."""

from pathlib import Path
from urllib.parse import unquote

PLAIN = "sqlite:///"

WITH_DRIVER = "sqlite+pysqlite:///"
"""The same to SQLAlchemy. MLflow makes the folder of a plain URI, ``%3F`` being a part of its name to it."""


def from_path(path: Path) -> str:
    """The URI of a file, in whose path ``%`` and ``?`` would mean something else."""
    quoted = str(path).replace("%", "%25").replace("?", "%3F")
    return f"{PLAIN if quoted == str(path) else WITH_DRIVER}{quoted}"


def to_path(uri: str) -> Path | None:
    """The file behind the URI of an SQLite database; None for other stores and for SQLite in memory."""
    if not uri.startswith((PLAIN, WITH_DRIVER)):
        return None
    path = unquote(uri.partition(":///")[2].partition("?")[0])
    return Path(path).absolute() if path and path != ":memory:" else None
