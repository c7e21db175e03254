"""MNIST and its relatives: idx files, downloaded by torchvision where they are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import torch

from runner.data.array_file import ArrayFile
from runner.data.dataset import Dataset, Split
from runner.data.downloads import fetch
from runner.errors import DataError
from runner.types import Shape, Task


@dataclass(frozen=True, kw_only=True)
class MNIST:
    """70,000 handwritten digits of 28x28 pixels in [0, 1]: 60,000 to train on, 10,000 to test on.

    Read from the four idx files in ``<root>/MNIST/raw``; where one is missing, all are downloaded there by
    torchvision, which checks their MD5. Source: Y. LeCun, C. Cortes, C. Burges (1998).
    """

    root: Path

    name: ClassVar[str] = "mnist"
    published: ClassVar[str] = "MNIST"
    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (1, 28, 28)

    @property
    def out_shape(self) -> Shape:
        """One a class."""
        return (10,)

    def load(self) -> Dataset:
        """Read both parts.

        Raises:
            DataError: if there are neither files nor a network, or the files are damaged.
            RunnerError: if a download is needed and torchvision does not fit the installed torch.
        """
        names = [
            f"{part}-{kind}" for part in self._parts for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
        ]
        if not all((self._folder / name).exists() for name in names):
            fetch(self.name, self._folder, f"the four files ({', '.join(names)})", self._make)
        train, test = (self._read(part) for part in self._parts)
        return Dataset(train, test)

    @property
    def _parts(self) -> Sequence[str]:
        """What the names of the files begin with, training first."""
        return ("train", "t10k")

    def _make(self, datasets: ModuleType) -> Any:
        return getattr(datasets, self.published)(self.root.expanduser(), download=True)

    def _read(self, part: str) -> Split:
        try:
            images = ArrayFile.open(self._folder / f"{part}-images-idx3-ubyte").read()
            labels = ArrayFile.open(self._folder / f"{part}-labels-idx1-ubyte").read()
        except DataError as error:
            raise DataError(f"data={self.name}: {error}. {self._way_out}") from error
        split = self._split(Split(images.unsqueeze(1), labels.long()))
        wrong = split.targets.min() < 0 or split.targets.max() >= self.out_shape[0]
        strange = images.dtype != torch.uint8 or images.shape[1:] != self.in_shape[1:]
        if strange or labels.shape != images.shape[:1] or wrong:
            raise DataError(
                f"data={self.name}: the files in {self._folder} are not {self.published}: images "
                f"{tuple(images.shape)}, {len(labels)} labels up to {labels.max()}. {self._way_out}"
            )
        return split

    def _split(self, read: Split) -> Split:
        """Images and labels as they are, of those that lie in the files."""
        return read

    @property
    def _folder(self) -> Path:
        return (self.root.expanduser() / self.published / "raw").absolute()

    @property
    def _way_out(self) -> str:
        return (
            f"Remove the files in {self._folder} and let the runner download them, or name another folder "
            "with data.root=<folder>"
        )


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(MNIST):
    """70,000 pictures of clothes in 10 classes, as ``MNIST`` in all else.

    Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST (2017).
    """

    name: ClassVar[str] = "fashion_mnist"
    published: ClassVar[str] = "FashionMNIST"
    class_names: ClassVar[Sequence[str]] = (
        "T-shirt/top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class KMNIST(MNIST):
    """70,000 handwritten hiragana in 10 classes, as ``MNIST`` in all else.

    Source: T. Clanuwat et al., Deep Learning for Classical Japanese Literature (2018).
    """

    name: ClassVar[str] = "kmnist"
    published: ClassVar[str] = "KMNIST"


EMNIST_CLASSES = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}


@dataclass(frozen=True, kw_only=True)
class EMNIST(MNIST):
    """Up to 814,255 handwritten digits and letters, as ``MNIST`` in all else.

    Images are turned upright, which they are not in the files. The letters' classes are 0 to 25. Source: G.
    Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST (2017).

    Args:
        root: the folder with EMNIST/raw.
        split: which of the six sets.
    """

    split: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = "balanced"

    name: ClassVar[str] = "emnist"
    published: ClassVar[str] = "EMNIST"

    @property
    def out_shape(self) -> Shape:
        """One a class."""
        return (EMNIST_CLASSES[self.split],)

    @property
    def _parts(self) -> Sequence[str]:
        return (f"emnist-{self.split}-train", f"emnist-{self.split}-test")

    def _make(self, datasets: ModuleType) -> Any:
        return datasets.EMNIST(self.root.expanduser(), self.split, download=True)

    def _split(self, read: Split) -> Split:
        first = 1 if self.split == "letters" else 0
        return Split(read.samples.mT.contiguous(), read.targets - first)
