"""A trained model on its way to where it is kept."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from runner.errors import TrackingError
from runner.tracking.inside import inside
from runner.types import Shape

Columns = list[tuple[str, str]]
"""Names and types, as MLflow calls them."""


@dataclass(frozen=True)
class Registration:
    """As what a model is registered.

    Attributes:
        name: of the registered model that this is a new version of.
        alias: what the version is called.
        description: what is said of the version.
        tags: of the version.
    """

    name: str
    alias: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class SavedModel:
    """A model that ``runner.trained.serving.save`` has written into ``folder``.

    Attributes:
        folder: where it is.
        in_shape: the shape of one input.
        out_shape: the shape of what it gives for one.
        example: a few inputs, ``[n, *in_shape]`` as lists, or rows of a table, each its columns' values.
        step: the epochs that it has been trained.
        takes: the columns of a table that it takes; None: a tensor ``[N, *in_shape]``.
        gives: the columns of the table that it gives when it is asked; None: a tensor ``[N, *out_shape]``.
        registration: as what it is registered, if it is to be.
        files: its files by their places in the folder, each with its SHA-256; None: as an earlier version of
            the runner left it, all that is there.
    """

    folder: Path
    in_shape: Shape
    out_shape: Shape
    example: list[Any]
    step: int
    takes: Columns | None = None
    gives: Columns | None = None
    registration: Registration | None = None
    files: Mapping[str, str] | None = None

    @classmethod
    def told(cls, values: Mapping[str, Any], folder: Path) -> "SavedModel":
        """From its fields as a journal has them; the folder is where it is now."""
        given = values.get("registration")
        registration = None if given is None else Registration(**given)
        return cls(**{**values, "folder": folder, "registration": registration})

    def copy_to(self, folder: Path) -> None:
        """Copy its files to ``folder``, which is made.

        Raises:
            TrackingError: if one of them is not, or no longer, what has been saved.
        """
        names = list(files_in(self.folder)) if self.files is None else self.files
        for name in names:
            place = inside(self.folder, name)
            if self.files is not None and (not place.is_file() or digest_of(place) != self.files[name]):
                raise TrackingError(f"{place}: is not what has been saved of the model")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, folder / name)

    def remove(self) -> None:
        """Delete its files, and the folders that are empty then; what else lies there is not its own.

        Of what an earlier version has saved nothing is, since nobody knows which files those were.
        """
        if self.files is None:
            return
        for name, digest in self.files.items():
            place = inside(self.folder, name)
            if place.is_file() and digest_of(place) == digest:
                place.unlink()
        for parent, _, _ in os.walk(self.folder, topdown=False):
            with suppress(OSError):  # where something is left
                Path(parent).rmdir()


def files_in(folder: Path) -> Iterator[str]:
    """The places of all files below a folder; links are none."""
    for parent, _, names in os.walk(folder):
        for place in (Path(parent, name) for name in sorted(names)):
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(folder).as_posix()


def digests_in(folder: Path) -> dict[str, str]:
    """The SHA-256 of all files below a folder, by their places in it."""
    return {name: digest_of(folder / name) for name in files_in(folder)}


def digest_of(file: Path) -> str:
    """A file's SHA-256."""
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()
