"""The user's own images, a folder a class."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch

from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.named_file import refuse_web_page
from runner.data.picking import pick
from runner.errors import DataError, unknown
from runner.types import PositiveInt, Seed, Shape, Share, Task

IMAGES = "images.json"
"""The name of the file beside a model: the classes, and how images were made to fit."""

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, whatever a file is called: some of PIL's other readers start programs."""

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """Images ``<folder>/<class>/…``, made ``size`` pixels high and wide, in [0, 1]; kept in memory as bytes.

    Args:
        root: the folder that folder names start from.
        folder: the folder with a folder a class.
        size: height and width in pixels, to which images of any are scaled.
        colour: ``rgb``, three channels, or ``grey``, one.
        test_folder: a second one, to test on.
        test: without it, the share of the images that is set apart for testing, of each class as large.
        test_seed: which images.
    """

    root: Path
    folder: Path
    size: PositiveInt = 32
    colour: Literal["rgb", "grey"] = "rgb"
    test_folder: Path | None = None
    test: Share = 0.2
    test_seed: Seed = 0

    task: ClassVar[Task] = "classification"

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
        """The images with the classes that a model keeps, of which a folder need not have all.

        Raises:
            DataError: if it keeps none.
        """
        classes = json.loads(kept_text(kept, IMAGES))["classes"]
        return Learnt(self.task, self.in_shape, (len(classes),), partial(self._with_classes, classes))

    def _with_classes(self, classes: Sequence[str]) -> Dataset:
        kept = {"classes": classes, "size": self.size, "colour": self.colour}
        preprocessing = {IMAGES: json.dumps(kept, ensure_ascii=False)}
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

    def _read(self, folder: Path, classes: Sequence[str]) -> Split:
        places = {name: place for place, name in enumerate(classes)}
        for name in classes_in(folder):
            if name not in places:
                raise DataError(unknown(str(folder), name, places, "unknown class"))
        files = [(file, places[name]) for name in classes_in(folder) for file in images_in(folder / name)]
        if not files:
            raise DataError(f"{folder}: there is no image in its folders")
        images = torch.empty((len(files), *self.in_shape), dtype=torch.uint8)
        for place, (file, _) in enumerate(files):
            images[place] = self._image(file)
        return Split(images, torch.tensor([label for _, label in files]))

    def _image(self, file: Path) -> torch.Tensor:
        """One image, uint8 ``[channels, size, size]``."""
        from PIL import Image

        refuse_web_page(file)
        try:
            with Image.open(file, formats=FORMATS) as image:
                fitting = image.convert("RGB" if self.colour == "rgb" else "L").resize((self.size, self.size))
                pixels = torch.from_numpy(np.array(fitting))
        except Exception as error:  # PIL raises all kinds of a damaged file, and of one that unfolds
            raise DataError(f"{file}: cannot be read as an image: {error}") from error
        return pixels.view(self.size, self.size, -1).permute(2, 0, 1)

    def _path(self, folder: Path) -> Path:
        return (self.root.expanduser() / folder).absolute()


def classes_in(folder: Path) -> list[str]:
    """The names of the folders in a folder.

    Raises:
        DataError: if there are none.
    """
    found = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    if not found:
        raise DataError(f"{folder}: is no folder with a folder a class")
    return found


def images_in(folder: Path) -> Sequence[Path]:
    """The image files in a folder and those below it."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
