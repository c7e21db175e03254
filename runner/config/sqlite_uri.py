"""SQLite files as the URIs that MLflow knows them by."""

from pathlib import Path
from urllib.parse import unquote


def from_path(path: Path) -> str:
    """The URI of a file: ``sqlite:///`` and the path, in which ``%`` and ``?`` would mean something else."""
    return f"sqlite:///{path}".replace("%", "%25").replace("?", "%3F")


def to_path(uri: str) -> Path | None:
    """The file behind a ``sqlite:///`` URI; None for other stores and for SQLite in memory."""
    before, found, path = uri.partition("sqlite:///")
    path = unquote(path.partition("?")[0])
    is_file = found and not before and path and path != ":memory:"
    return Path(path).absolute() if is_file else None
