"""Places that a journal names: below its run's folder, and nowhere else, whoever has written it."""

from pathlib import Path, PurePath

from runner.errors import TrackingError


def inside(folder: Path, name: object) -> Path:
    """The file or folder of that name below ``folder``; no link leads there.

    Raises:
        TrackingError: if the name leaves the folder, or a part of it is a link.
    """
    path = PurePath(name) if isinstance(name, str) else PurePath()
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise TrackingError(f"{folder}: the journal names {name!r}, which is no place in the run's folder")
    place = folder
    for part in path.parts:
        place /= part
        if place.is_symlink():
            raise TrackingError(f"{place}: is a link, and links are not followed")
    return place


def above(folder: Path, name: object) -> Path:
    """The folder that ``..``, or ``../..``, and so on, means seen from ``folder``.

    Raises:
        TrackingError: if the name is no such thing.
    """
    parts = PurePath(name).parts if isinstance(name, str) else ()
    if not parts or set(parts) != {".."} or len(parts) >= len(folder.absolute().parts):
        raise TrackingError(f"{folder}: the journal names {name!r} as its sweep, which is no folder above it")
    return folder.absolute().parents[len(parts) - 1]
