"""Data for a model that has been trained: made into its inputs with what it keeps, fitted to nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from runner.data.dataset import Dataset, Source
from runner.errors import DataError
from runner.types import Shape, Task


@dataclass(frozen=True)
class Learnt:
    """A source whose shapes are those of a trained model's data; see ``Source``."""

    task: Task
    in_shape: Shape
    out_shape: Shape
    load: Callable[[], Dataset]
    are_labels: bool = False


@runtime_checkable
class Fitted(Protocol):
    """A source that fits something to what is learnt from: scales, categories, a vocabulary."""

    def as_learnt(self, kept: Mapping[str, str]) -> Source:
        """The same data by what a model keeps, texts by file names, in place of a fit.

        Raises:
            DataError: if the model keeps nothing of the kind.
        """


def kept_text(kept: Mapping[str, str], name: str) -> str:
    """The text of a file beside a model.

    Raises:
        DataError: if there is no such file.
    """
    if name not in kept:
        raise DataError(f"the model keeps no {name}: it has learnt from data of another kind")
    return kept[name]
