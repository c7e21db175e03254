"""A table of numbers, its target last, as a data set."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from runner.data.dataset import Dataset
from runner.data.picking import pick
from runner.data.table import Table, dataset

TESTED = 0.2
"""The share of the rows that is tested on, of each class as large; always the same rows."""


def standardised(
    values: npt.NDArray[Any], names: Sequence[str], label: str, classes: Sequence[str] | None = None
) -> Dataset:
    """Standardise the columns by the rows to train on; a fifth of the rows, drawn once for all, tests.

    Args:
        values: ``[N, columns + 1]``, the last one the target.
        names: of the columns.
        label: what the target is called.
        classes: what its values 0, 1, … stand for; None if it is a number.
    """
    values = values[np.random.RandomState(0).permutation(len(values))]  # whose stream numpy keeps for ever
    targets = values[:, -1] if classes is None else np.array(classes)[values[:, -1].astype(np.int64)]
    groups = np.zeros(len(values)) if classes is None else values[:, -1]
    tested = pick(torch.from_numpy(groups).long(), TESTED, seed=0).numpy()

    def rows(wanted: npt.NDArray[np.bool_]) -> dict[str, Any]:
        return dict(zip(names, values[wanted, :-1].T, strict=True)) | {label: targets[wanted]}

    train, test = rows(~tested), rows(tested)
    table = Table.fit(train, numeric=names, categorical=(), label=label, classes=classes)
    return dataset(table, train, test)
