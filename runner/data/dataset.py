"""What a data source gives: inputs and targets in memory, split for training and testing."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from runner.types import Shape, Task


@dataclass(frozen=True)
class Split:
    """Samples and what is to be said of them.

    ``inputs`` are float32 ``[N, *in_shape]``; ``targets`` class indices int64 ``[N]`` or values float32
    ``[N, D]``.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def first(self, count: int | None) -> "Split":
        """The first ``count`` samples, all of them for None."""
        return Split(self.inputs[:count], self.targets[:count])

    def to(self, device: torch.device) -> "Split":
        """The same samples on a device."""
        return Split(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Dataset:
    """The two parts of a data set."""

    train: Split
    test: Split


class Source(Protocol):
    """A data set that is known by its shape before any of it is read."""

    @property
    def task(self) -> Task:
        """Whether targets are classes or values."""

    @property
    def in_shape(self) -> Shape:
        """The shape of one input sample."""

    @property
    def outputs(self) -> int:
        """How many outputs a model needs: one a class, or one a value."""

    def load(self) -> Dataset:
        """Read, download or make the data.

        Raises:
            DataError: if it cannot be had or is not what it should be.
        """
