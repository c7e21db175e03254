"""The folder of a run or of a sweep, which the store names: it is used if it holds the run's own traces.

A store may name any folder of this machine, and who goes on with a run writes into its folder, and deletes.
"""

from contextlib import suppress
from pathlib import Path

from mlflow.entities import Run

from runner.errors import TrackingError
from runner.tracking.events import TOKEN
from runner.tracking.journal import Journal, has_journal, read_sent
from runner.tracking.location import PARENT, Location


def has_journal_of(folder: Path, run: Run) -> bool:
    """Whether there is something in a folder that has yet to be sent to a run."""
    if not has_journal(folder):
        return False
    with suppress(TrackingError, OSError, KeyError, TypeError):
        first = Journal(folder).first
        token = run.data.tags.get(TOKEN)
        if first["kind"] == "begun":
            return token is not None and bool(first["tags"][TOKEN] == token)
        return bool(str(first["run_id"] or read_sent(folder).run_id) == run.info.run_id)
    return False


def is_of_sweep(folder: Path, sweep: str) -> bool:
    """Whether a folder is a sweep's, or in one that is, and no link leads there or away."""
    if not folder.is_absolute() or not folder.is_dir() or link_in(folder) is not None:
        return False
    for place in (folder, *folder.parents):
        if place.is_symlink():
            return False
        known = Location.found(place / PARENT)
        if known is not None:
            return known.run_id == sweep
    return False


def link_in(folder: Path) -> Path | None:
    """A link in a folder, at any depth: what is written would end elsewhere."""
    return next((path for path in folder.rglob("*") if path.is_symlink()), None)
