"""A SQLite store that was moved or copied: places in it are changed to where it lies now.

MLflow writes absolute places into its database, so a copy of ``outputs`` would read and write the original's
artifacts.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from runner.errors import TrackingError
from runner.tracking.events import FOLDER

ARTIFACTS = "mlartifacts"
"""The folder of a SQLite store's artifacts, beside the file."""

FIRST = "/0"
"""The end of the place that the store's first experiment got when the store was made."""

URIS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Columns with places of artifacts, as URIs."""


def artifact_root(path: Path) -> Path:
    """The folder of a SQLite store's artifacts: ``mlartifacts`` beside the file."""
    return path.parent / ARTIFACTS


def update_places(path: Path) -> None:
    """Have the store in ``path`` name the artifacts and the runs' folders that lie beside it.

    Nothing changes in a store that lies where it was made, or that somebody else has made elsewhere.

    Raises:
        TrackingError: if it was copied without its artifacts.
        sqlite3.Error: if it can't be read, or written where that is needed.
    """
    artifacts = artifact_root(path)
    with closing(sqlite3.connect(path)) as database:
        before, now = made_with(database), artifacts.as_uri()
        if before is None or before == now:
            return
        old = Path(unquote(urlsplit(before).path))
        if old.exists():
            if artifacts.exists() and old.samefile(artifacts):
                return
            if not artifacts.exists():
                raise TrackingError(
                    f"tracking.uri: '{path}' is a copy of the store in '{old.parent}' without its artifacts: "
                    f"copy '{old.name}', too, beside it"
                )
        with database:
            for table, column in URIS:
                if has_column(database, table, column):
                    replace_beginning(database, table, column, f"{before}/", f"{now}/")
            where = f"AND key = '{FOLDER}'"
            replace_beginning(database, "tags", "value", f"{old.parent}/", f"{path.parent}/", where)


def made_with(database: sqlite3.Connection) -> str | None:
    """The URI of the artifacts' folder when the store was made; None if the runner has not made it."""
    if not has_column(database, "experiments", "artifact_location"):
        return None
    row = database.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 0").fetchone()
    place = "" if row is None or row[0] is None else str(row[0])
    is_ours = place.startswith("file:///") and place.endswith(f"/{ARTIFACTS}{FIRST}")
    return place.removesuffix(FIRST) if is_ours else None


def has_column(database: sqlite3.Connection, table: str, column: str) -> bool:
    """Whether the database, of whatever version of MLflow, has a column."""
    return any(row[1] == column for row in database.execute(f"PRAGMA table_info({table})"))


def replace_beginning(
    database: sqlite3.Connection, table: str, column: str, before: str, now: str, where: str = ""
) -> None:
    """Change how the values of a column begin, of rows that ``where`` restricts further."""
    database.execute(
        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ? {where}",
        (now, len(before) + 1, len(before), before),
    )
