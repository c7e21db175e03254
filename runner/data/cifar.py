"""CIFAR-10 and CIFAR-100, which torchvision reads and downloads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from runner.data.dataset import Dataset, Split
from runner.data.downloads import fetch
from runner.types import Shape, Task


@dataclass(frozen=True, kw_only=True)
class CIFAR10:
    """60,000 colour photographs of 32x32 pixels in 10 classes: 50,000 to train on, 10,000 to test on.

    Read from ``<root>/cifar-10-batches-py``, where torchvision holds each file against its MD5 before it
    reads it, and which it downloads if that is not so. Source: A. Krizhevsky, Learning Multiple Layers of
    Features from Tiny Images (2009).
    """

    root: Path

    name: ClassVar[str] = "cifar10"
    published: ClassVar[str] = "CIFAR10"
    folder: ClassVar[str] = "cifar-10-batches-py"
    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (3, 32, 32)
    out_shape: ClassVar[Shape] = (10,)
    class_names: ClassVar[Sequence[str] | None] = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip

    def load(self) -> Dataset:
        """Read both parts.

        Raises:
            DataError: if there are neither readable files nor a network.
            RunnerError: if torchvision does not fit the installed torch.
        """
        return Dataset(self._part(train=True), self._part(train=False))

    def _part(self, *, train: bool) -> Split:
        root = self.root.expanduser().absolute()
        found = fetch(
            self.name,
            root / self.folder,
            f"the files of {self.folder}",
            lambda datasets: getattr(datasets, self.published)(root, train=train, download=True),
        )
        images = torch.from_numpy(found.data).permute(0, 3, 1, 2)  # from [N, height, width, channels]
        return Split(images.contiguous(), torch.tensor(found.targets))


@dataclass(frozen=True, kw_only=True)
class CIFAR100(CIFAR10):
    """The same number of photographs in 100 classes, in ``<root>/cifar-100-python``; else as ``CIFAR10``."""

    name: ClassVar[str] = "cifar100"
    published: ClassVar[str] = "CIFAR100"
    folder: ClassVar[str] = "cifar-100-python"
    out_shape: ClassVar[Shape] = (100,)
    class_names: ClassVar[Sequence[str] | None] = None
