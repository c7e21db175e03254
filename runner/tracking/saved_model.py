"""A trained model on its way to where it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.types import Shape

Columns = list[tuple[str, str]]
"""Names and types, as MLflow calls them."""


@dataclass(frozen=True)
class Registration:
    """As what a model is registered.

    Attributes:
        name: of the registered model that this is a new version of.
        alias: what the version is called.
        description: what is said of the version.
        tags: of the version.
    """

    name: str
    alias: str
    description: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class SavedModel:
    """A model that ``runner.trained.serving.save`` has written into ``folder``.

    Attributes:
        folder: where it is.
        in_shape: the shape of one input.
        out_shape: the shape of what it gives for one.
        example: a few inputs, ``[n, *in_shape]`` as lists, or rows of a table, each its columns' values.
        step: the epochs that it has been trained.
        takes: the columns of a table that it takes; None: a tensor ``[N, *in_shape]``.
        gives: the columns of the table that it gives when it is asked; None: a tensor ``[N, *out_shape]``.
        registration: as what it is registered, if it is to be.
    """

    folder: Path
    in_shape: Shape
    out_shape: Shape
    example: list[Any]
    step: int
    takes: Columns | None = None
    gives: Columns | None = None
    registration: Registration | None = None

    @classmethod
    def told(cls, values: Mapping[str, Any], folder: Path) -> "SavedModel":
        """From its fields as a journal has them; the folder is where it is now."""
        given = values.get("registration")
        registration = None if given is None else Registration(**given)
        return cls(**{**values, "folder": folder, "registration": registration})
