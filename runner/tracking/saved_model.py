"""A trained model on its way to where it is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.types import Shape


@dataclass(frozen=True)
class SavedModel:
    """A model that ``runner.trained.serving.save`` has written into ``folder``.

    Attributes:
        folder: where it is.
        in_shape: the shape of one input.
        out_shape: the shape of what it gives for one.
        example: a few inputs ``[n, *in_shape]``, as lists.
        step: the epochs that it has been trained.
    """

    folder: Path
    in_shape: Shape
    out_shape: Shape
    example: list[Any]
    step: int
