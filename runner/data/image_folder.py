"""The user's own images, a folder a class."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import torch

from runner.data.dataset import Dataset, Split
from runner.data.image_file import Decoder, colour_problem
from runner.data.image_paths import files_in, folders_in, images_in, is_image, is_users
from runner.data.learnt import Learnt, kept_text
from runner.data.picking import pick
from runner.errors import DataError, unknown
from runner.types import PositiveInt, Seed, Shape, Share, Task

IMAGES = "images.json"
"""The name of the file beside a model: the classes, and how images were made to fit."""

SYSTEM_SUFFIXES = {".db", ".ini", ".lnk"}
"""Of files that a file manager leaves, such as Thumbs.db."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Images ``<folder>/<class>/…``, made ``size`` pixels high and wide, in [0, 1]; kept in memory as bytes.

    Args:
        root: the folder that folder names start from.
        folder: the folder with a folder a class.
        size: height and width in pixels, to which images of any are scaled.
        colour: ``rgb``, three channels, or ``grey``, one.
        background: the colour below what is not opaque: a name of CSS, or ``#rrggbb``.
        test_folder: a second one, to test on.
        test: without it, the share of the images that is set apart for testing, of each class as large.
        test_seed: which images.
    """

    root: Path
    folder: Path
    size: PositiveInt = 32
    colour: Literal["rgb", "grey"] = "rgb"
    background: str = "white"
    test_folder: Path | None = None
    test: Share = 0.2
    test_seed: Seed = 0

    task: ClassVar[Task] = "classification"

    def __post_init__(self) -> None:
        """Refuse what is no colour, with a ValueError."""
        if problem := colour_problem(self.background):
            raise ValueError(f"background: {problem}")

    @property
    def in_shape(self) -> Shape:
        """One image: ``[channels, size, size]``."""
        return (3 if self.colour == "rgb" else 1, self.size, self.size)

    @property
    def out_shape(self) -> Shape:
        """One a class."""
        return (len(self._classes),)

    def load(self) -> Dataset:
        """Read all images.

        Raises:
            DataError: if a folder is missing or empty, or an image can't be read.
        """
        return self._with_classes(self._classes)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The images as a model has learnt from its own, of whose classes a folder need not have all.

        Raises:
            DataError: if it keeps none.
        """
        classes, decoder = images_of(kept_text(kept, IMAGES))
        source = replace(self, **vars(decoder))
        return Learnt(self.task, source.in_shape, (len(classes),), partial(source._with_classes, classes))

    def _with_classes(self, classes: Sequence[str]) -> Dataset:
        preprocessing = {IMAGES: json.dumps({"classes": classes, **vars(self._decoder)}, ensure_ascii=False)}
        found = self._read(self._path(self.folder), classes)
        if self.test_folder is not None:
            return Dataset(
                found, self._read(self._path(self.test_folder), classes), preprocessing=preprocessing
            )
        tested = pick(found.targets, self.test, self.test_seed)
        if tested.all() or not tested.any():
            raise DataError(
                f"data.test: {self.test} of {len(found)} images leaves {sum(~tested)} to learn from"
            )
        train, test = (Split(found.samples[part], found.targets[part]) for part in (~tested, tested))
        return Dataset(train, test, preprocessing=preprocessing)

    @cached_property
    def _classes(self) -> list[str]:
        return classes_in(self._path(self.folder))

    @property
    def _decoder(self) -> Decoder:
        return Decoder(size=self.size, colour=self.colour, background=self.background)

    def _read(self, folder: Path, classes: Sequence[str]) -> Split:
        places = {name: place for place, name in enumerate(classes)}
        found = classes_in(folder, classes)
        report_what_is_left_out(folder, found)
        files = [(file, places[name]) for name in found for file in images_in(folder / name)]
        images = torch.empty((len(files), *self.in_shape), dtype=torch.uint8)
        for place, (file, _) in enumerate(files):
            images[place] = self._decoder.decode(file)
        return Split(images, torch.tensor([label for _, label in files]))

    def _path(self, folder: Path) -> Path:
        return (self.root.expanduser() / folder).absolute()


def images_of(text: str) -> tuple[list[str], Decoder]:
    """The classes that a model keeps, and how images become its inputs.

    Raises:
        DataError: if the text is none of that.
    """
    try:
        kept = json.loads(text)
        background = kept.get("background", ImageFolder.background)  # which earlier models have not kept
        return kept["classes"], Decoder(size=kept["size"], colour=kept["colour"], background=background)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{IMAGES}: is not the description of images: {error!r}") from error


def classes_in(folder: Path, known: Collection[str] | None = None) -> list[str]:
    """The names of the folders in a folder that have images in them.

    Raises:
        DataError: if there are none, or one is none of the known.
    """
    names = folders_in(folder)
    if not names:
        raise DataError(f"{folder}: is no folder with a folder a class")
    found = [name for name in names if any(map(is_image, files_in(folder / name)))]
    for name in found or names:
        if known is not None and name not in known:
            raise DataError(unknown(str(folder), name, known, "unknown class"))
    if not found:
        raise DataError(f"{folder}: there is no image in its folders")
    return found


def report_what_is_left_out(folder: Path, classes: Sequence[str]) -> None:
    """Log a line for folders without images, for images in no class, and for files that are not read."""
    if empty := [name for name in folders_in(folder) if name not in classes]:
        log.warning("%s: there are no images in %s: no class", folder, ", ".join(map(repr, empty)))
    if outside := sum(is_users(Path(each.name)) and is_image(each) for each in folder.iterdir()):
        log.warning("%s: %d images lie in none of its folders and are left out", folder, outside)
    others = Counter(
        file.suffix.lower() or "without a suffix"
        for name in classes
        for file in files_in(folder / name)
        if not is_image(file)
    )
    if unread := {kind: count for kind, count in others.items() if kind not in SYSTEM_SUFFIXES}:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(unread.items()))
        log.warning("%s: files that are not read as images are left out: %s", folder, told)
