"""A table of numbers, its target last, as a data set."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.dataset import Dataset
from runner.data.learnt import Learnt
from runner.data.picking import pick
from runner.data.table import Parts, Table, dataset, kept_table, learnt
from runner.data.validation import Portion
from runner.types import PositiveInt, Seed, Shape, Share, Task

TESTED = 0.2
"""The share of the rows that is tested on, of each class as large; always the same rows."""


@dataclass(frozen=True, kw_only=True)
class NumberTable(ABC):
    """Columns standardised by the rows to learn from; a fifth of the rows, drawn once for all, tests.

    Args:
        limit: the first so many of the others are used; None: all.
        val: the share of those that is set apart, of each class as large.
        val_seed: which rows.
        standardize_target: whether values are learnt standardised, too, as classes never are.
    """

    limit: PositiveInt | None = None
    val: Share | None = None
    val_seed: Seed = 0
    standardize_target: bool = True

    names: ClassVar[Sequence[str]]
    """Of the columns."""

    label: ClassVar[str]
    """What the target is called."""

    classes: ClassVar[Sequence[str] | None] = None
    """What its values 0, 1, … stand for; None if it is a number."""

    @property
    def task(self) -> Task:
        """Whether it has classes."""
        return "regression" if self.classes is None else "classification"

    @property
    def in_shape(self) -> Shape:
        """An input a column."""
        return (len(self.names),)

    @property
    def out_shape(self) -> Shape:
        """One a class, or one value."""
        return (1 if self.classes is None else len(self.classes),)

    def load(self) -> Dataset:
        """Read the set.

        Raises:
            DataError: if it cannot be had.
        """
        parts = self._parts()
        table = Table.fit(
            parts.train, numeric=self.names, categorical=(), label=self.label, classes=self.classes
        )
        return dataset(table, parts, standardize_target=self.standardize_target)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The set by a table that a model keeps.

        Raises:
            DataError: if it keeps none.
        """
        return learnt(kept_table(kept, self.label), self._parts)

    @abstractmethod
    def _read(self) -> npt.NDArray[Any]:
        """All rows ``[N, columns + 1]``, the target last."""

    def _parts(self) -> Parts:
        values = self._read()
        values = values[
            np.random.RandomState(0).permutation(len(values))
        ]  # whose stream numpy keeps for ever
        classes = self.classes
        targets = values[:, -1] if classes is None else np.array(classes)[values[:, -1].astype(np.int64)]
        groups = torch.from_numpy(np.zeros(len(values)) if classes is None else values[:, -1]).long()
        tested = pick(groups, TESTED, seed=0)
        used, apart = torch.zeros_like(tested), torch.zeros_like(tested)
        portion = Portion(limit=self.limit, val=self.val, val_seed=self.val_seed)
        used[~tested], apart[~tested] = portion.cut(groups[~tested])

        def rows(wanted: Tensor) -> dict[str, Any]:
            places = wanted.numpy()
            columns = dict(zip(self.names, values[places, :-1].T, strict=True))
            return columns | {self.label: targets[places]}

        return Parts(rows(used), rows(tested), rows(apart) if apart.any() else None)
