"""The store that a journal is sent to: one that the user means, whatever the journal names.

Who is sent to gets the run, and the user name, password or token of the environment.
"""

import re
from pathlib import Path

from runner.config import sqlite_uri
from runner.config.tracking_uri import tracking_uri
from runner.errors import TrackingError
from runner.process.masking import MASK, masked_value

OUTPUTS, DATABASE = "outputs", "mlflow.db"
"""Where a launch folder has its store."""

ADDRESS = re.compile(
    r"([a-z][a-z0-9+.-]*://)"
    r"(?:([^/?#@\\\s]*)@)?"  # a user that no program can take for a host
    r"((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?(?:/[\w.~%+/-]*)?)"
)
"""A URI that all programs read alike: scheme, user, and host with port and path."""


class OtherStoreError(TrackingError):
    """A journal names a store that the user does not mean.

    Attributes:
        uri: of the store.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(f"'{shown(uri)}' is not the store in use")
        self.uri = uri


def destination(folder: Path, named: str, typed: str | None, place: object = None) -> str:
    """The URI of the store that the journal in a folder is sent to.

    Args:
        folder: the run's.
        named: the store that the journal names.
        typed: the store that the user names.
        place: the run's folder, as the journal names it.

    Raises:
        OtherStoreError: if the journal's is neither that one, nor the usual one, nor one beside the run.
    """
    for meant in (typed, tracking_uri(), beside(folder)):
        if meant is not None and is_same(named, meant):
            return meant if has_user(meant) else named
    if (now := moved(folder, named, place)) is not None:
        return now
    raise OtherStoreError(named)


def moved(folder: Path, named: str, place: object) -> str | None:
    """The store beside a folder, if the journal names it where both lay before they were moved or copied.

    Args:
        folder: the run's, where it lies now.
        named: the store that the journal names.
        place: the run's folder, as the journal names it.
    """
    now, before, store = beside(folder), sqlite_uri.to_path(named), folder.absolute()
    if now is None or before is None or not isinstance(place, str):
        return None
    outputs = next(each for each in store.parents if each.name == OUTPUTS)
    return now if Path(place) == before.parent / store.relative_to(outputs) else None


def beside(folder: Path) -> str | None:
    """The store in the ``outputs`` that a folder is in, if it is in one and the store is there."""
    for place in folder.absolute().parents:
        if place.name == OUTPUTS:
            database = place / DATABASE
            return sqlite_uri.from_path(database) if is_plain_file(database) else None
    return None


def is_plain_file(path: Path) -> bool:
    """Whether a file is there, and is no link to another."""
    return path.is_file() and not path.is_symlink()


def is_same(one: str, other: str) -> bool:
    """Whether two URIs name one store; the user in them does not count."""
    first, second = sqlite_uri.to_path(one), sqlite_uri.to_path(other)
    if first is not None and second is not None:
        return first.resolve() == second.resolve()
    return address(one) == address(other)


def address(uri: str) -> str:
    """A URI without its user, as far as it is clear what that is."""
    found = ADDRESS.fullmatch(uri)
    return uri if found is None else f"{found[1].lower()}{found[3].rstrip('/')}"


def has_user(uri: str) -> bool:
    """Whether a URI names a user, as whom to come."""
    found = ADDRESS.fullmatch(uri)
    return found is None or (found[2] is not None and MASK not in found[2])


def shown(uri: str) -> str:
    """A URI as it is shown, and as it can be typed: without its user."""
    return masked_value(address(uri)) if uri.isprintable() else repr(masked_value(uri))
