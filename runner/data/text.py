"""Language modelling: what comes next in a text, at each place of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.named_file import refuse_what_is_no_file
from runner.errors import DataError
from runner.types import PositiveInt, Shape, Share, Task

VOCABULARY = "vocabulary.json"
"""The name of the file beside a model: a list of the characters, or bytes, in the order of their indices."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text in pieces: inputs are the indices of ``length`` characters, targets those of the next ones.

    The vocabulary is what occurs in the file, in order. The end of the text is tested on.

    Args:
        root: the folder that the file name starts from.
        file: the text, in UTF-8 where it is one of characters.
        length: characters a sample.
        stride: from one sample to the next; ``length`` if left out, so that each character is learnt once.
        unit: what is an index: a character or a byte.
        test: the share of the text that is tested on.
    """

    root: Path
    file: Path
    length: PositiveInt = 64
    stride: PositiveInt | None = None
    unit: Literal["character", "byte"] = "character"
    test: Share = 0.1

    task: ClassVar[Task] = "classification"

    @property
    def in_shape(self) -> Shape:
        """Indices: ``[length]``."""
        return (self.length,)

    @property
    def out_shape(self) -> Shape:
        """At each place one a character: ``[length, vocabulary]``."""
        return (self.length, len(self._indexed[0]))

    def load(self) -> Dataset:
        """Read the text and cut it.

        Raises:
            DataError: if it can't be read, or is too short.
        """
        return self._cut(*self._indexed)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The text by the vocabulary that a model keeps.

        Raises:
            DataError: if it keeps none, or one of another unit.
        """
        vocabulary = json.loads(kept_text(kept, VOCABULARY))
        if self._spelt(values := codes_in(vocabulary)) != vocabulary:
            raise DataError(f"data.unit: {VOCABULARY}, which the model keeps, is not one of {self.unit}s")
        shape = (self.length, len(values))
        return Learnt(self.task, self.in_shape, shape, lambda: self._cut(values, self._looked_up(values)))

    def _looked_up(self, values: list[int]) -> Tensor:
        """The text as indices of another's values.

        Raises:
            DataError: if something in it is none of those.
        """
        own, indices = self._indexed
        if unknown := sorted(set(own) - set(values)):
            raise DataError(f"{self._path}: {self._spelt(unknown)} are in no text that the model has learnt")
        return torch.tensor([values.index(each) for each in own])[indices]

    def _spelt(self, values: list[int]) -> list[str] | list[int]:
        return [chr(value) for value in values] if self.unit == "character" else values

    def _cut(self, values: list[int], indices: Tensor) -> Dataset:
        count = len(indices) - round(self.test * len(indices))
        train, test = self._windows(indices[:count]), self._windows(indices[count:])
        return Dataset(
            train, test, preprocessing={VOCABULARY: json.dumps(self._spelt(values), ensure_ascii=False)}
        )

    def _windows(self, indices: Tensor) -> Split:
        """Samples and targets, which both stay where the text is."""
        if len(indices) <= self.length:
            raise DataError(
                f"{self._path}: {len(indices)} of its {self.unit}s are too few for samples of {self.length}"
            )
        stride = self.stride or self.length
        inputs, nexts = (part.unfold(0, self.length, stride) for part in (indices[:-1], indices[1:]))
        return Split(inputs, nexts, classified=True, in_order=True)

    @cached_property
    def _indexed(self) -> tuple[list[int], Tensor]:
        """The different values in the text, and the text as indices of them ``[N]``."""
        refuse_what_is_no_file(self._path)
        try:
            content = self._path.read_bytes()
            if self.unit == "character":
                codes = np.frombuffer(content.decode("utf-8").encode("utf-32-le"), dtype="<u4")
            else:
                codes = np.frombuffer(content, dtype=np.uint8)
        except (OSError, UnicodeError) as error:
            raise DataError(f"{self._path}: cannot be read as text: {error}") from error
        values, indices = np.unique(codes, return_inverse=True)
        return values.tolist(), torch.from_numpy(indices.astype(np.int64))

    @property
    def _path(self) -> Path:
        return (self.root.expanduser() / self.file).absolute()


def codes_in(vocabulary: Sequence[str | int]) -> list[int]:
    """A vocabulary's characters as numbers, or its bytes as they are."""
    return [ord(each) if isinstance(each, str) else each for each in vocabulary]
