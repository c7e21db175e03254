"""A part of the training samples that is not learnt from, but looked at meanwhile."""

from dataclasses import replace

import torch
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.data.picking import pick
from runner.errors import DataError


def with_validation(data: Dataset, share: float, seed: int) -> Dataset:
    """The data with ``share`` of its training samples set apart: of each class as large a share.

    Samples that stay in files are not picked one by one: of those the last are taken.

    Args:
        data: it may not have such a part yet.
        share: between 0 and 1.
        seed: another picks other samples; no part of a run's own seed, so runs of all seeds are comparable.

    Raises:
        DataError: if one of the two parts would be empty.
    """
    train = data.train
    if train.mapped:
        count = len(train) - round(share * len(train))
        parts = (
            train.first(count),
            replace(train, samples=train.samples[count:], targets=train.targets[count:]),
        )
    else:
        is_stratified = train.task == "classification" and train.targets.dim() == 1
        groups = train.targets if is_stratified else torch.zeros(len(train), dtype=torch.int64)
        picked = pick(groups, share, seed)
        parts = rows(train, ~picked), rows(train, picked)
    for part, use in zip(parts, ("learn from", "look at"), strict=True):
        if not len(part):
            raise DataError(f"data.val: {share} of {len(train)} samples leaves none to {use}")
    return replace(data, train=parts[0], val=parts[1])


def rows(split: Split, wanted: Tensor) -> Split:
    """Some of the samples."""
    return replace(split, samples=split.samples[wanted], targets=split.targets[wanted])
