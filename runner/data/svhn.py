"""Street View House Numbers, which torchvision reads and downloads."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from runner.data.dataset import Dataset, Split
from runner.data.downloads import fetch
from runner.types import Shape, Task


@dataclass(frozen=True, kw_only=True)
class SVHN:
    """99,289 photographed digits of 32x32 pixels in colour: 73,257 to train on, 26,032 to test on.

    Read from ``<root>/train_32x32.mat`` and ``test_32x32.mat``, which torchvision downloads if their MD5 is
    not the right one. Source: Y. Netzer et al., Reading Digits in Natural Images (2011).
    """

    root: Path

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (3, 32, 32)
    out_shape: ClassVar[Shape] = (10,)

    def load(self) -> Dataset:
        """Read both parts.

        Raises:
            DataError: if there are neither readable files nor a network.
            RunnerError: if torchvision does not fit the installed torch.
        """
        return Dataset(self._part("train"), self._part("test"))

    def _part(self, part: str) -> Split:
        root = self.root.expanduser().absolute()
        found = fetch(
            "svhn",
            root,
            "train_32x32.mat and test_32x32.mat",
            lambda datasets: datasets.SVHN(root, split=part, download=True),
        )
        return Split(torch.from_numpy(found.data).contiguous(), torch.from_numpy(found.labels))
