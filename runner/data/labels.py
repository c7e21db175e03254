"""Data whose targets are labels, several a sample: each 0 or 1, and independent of the others."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from runner.data.dataset import Dataset, Source
from runner.types import Shape, Task


@runtime_checkable
class Binary(Protocol):
    """A source of values that can say whether they are labels."""

    @property
    def are_labels(self) -> bool:
        """Whether all values to train on are 0 or 1.

        Raises:
            DataError: if they can't be read.
        """


@dataclass(frozen=True)
class Labels:
    """Another source's targets as labels.

    Args:
        source: a regression whose targets are 0 and 1 alone.
    """

    source: Source

    task: ClassVar[Task] = "multilabel"

    @property
    def in_shape(self) -> Shape:
        """As the source says."""
        return self.source.in_shape

    @property
    def out_shape(self) -> Shape:
        """A value a label."""
        return self.source.out_shape

    def load(self) -> Dataset:
        """Load the source's data.

        Raises:
            DataError: if it cannot be had.
        """
        return self.source.load()


def as_labels(source: Source) -> Source:
    """The source, its targets as labels if they are values of 0 and 1 alone.

    Raises:
        DataError: if they can't be read.
    """
    if source.task == "regression" and isinstance(source, Binary) and source.are_labels:
        return Labels(source)
    return source
