"""A table of numbers, its target last, as a data set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.dataset import Dataset
from runner.data.picking import pick
from runner.data.table import Table, dataset
from runner.data.validation import Portion

TESTED = 0.2
"""The share of the rows that is tested on, of each class as large; always the same rows."""


def standardised(
    values: npt.NDArray[Any],
    names: Sequence[str],
    label: str,
    classes: Sequence[str] | None = None,
    *,
    portion: Portion,
) -> Dataset:
    """Standardise the columns by the rows to learn from; a fifth of the rows, drawn once for all, tests.

    Args:
        values: ``[N, columns + 1]``, the last one the target.
        names: of the columns.
        label: what the target is called.
        classes: what its values 0, 1, … stand for; None if it is a number.
        portion: what of the others is learnt from.
    """
    values = values[np.random.RandomState(0).permutation(len(values))]  # whose stream numpy keeps for ever
    targets = values[:, -1] if classes is None else np.array(classes)[values[:, -1].astype(np.int64)]
    groups = torch.from_numpy(np.zeros(len(values)) if classes is None else values[:, -1]).long()
    tested = pick(groups, TESTED, seed=0)
    learnt, apart = torch.zeros_like(tested), torch.zeros_like(tested)
    learnt[~tested], apart[~tested] = portion.cut(groups[~tested])

    def rows(wanted: Tensor) -> dict[str, Any]:
        places = wanted.numpy()
        return dict(zip(names, values[places, :-1].T, strict=True)) | {label: targets[places]}

    train = rows(learnt)
    table = Table.fit(train, numeric=names, categorical=(), label=label, classes=classes)
    return dataset(table, train, rows(tested), rows(apart) if apart.any() else None)
