"""Data whose inputs are their own targets, for an autoencoder."""

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from runner.data.dataset import Dataset, Source, Split
from runner.types import Shape, Task


@dataclass(frozen=True)
class Reconstruction:
    """Another source's samples; what is to be said of one is itself, flattened: a regression.

    Args:
        source: whose samples.
    """

    source: Source

    task: ClassVar[Task] = "regression"

    @property
    def in_shape(self) -> Shape:
        """As the source says."""
        return self.source.in_shape

    @property
    def out_shape(self) -> Shape:
        """A value for each of a sample's."""
        return (prod(self.source.in_shape),)

    def load(self) -> Dataset:
        """Load the source's data; targets take no memory beside the samples.

        Raises:
            DataError: if it cannot be had.
        """
        data = self.source.load()
        val = None if data.val is None else reconstructed(data.val)
        return replace(data, train=reconstructed(data.train), test=reconstructed(data.test), val=val)


def reconstructed(split: Split) -> Split:
    """The split with its samples as targets."""
    return replace(
        split, targets=split.samples.flatten(1), target_scale=split.scale, classified=False, units=None
    )
