"""A part of the training samples that is not learnt from, but looked at meanwhile."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.data.picking import pick
from runner.errors import DataError
from runner.types import PositiveInt, Seed, Share


@dataclass(frozen=True, kw_only=True)
class Portion:
    """What of the training rows is learnt from, for sources that fit something to just these.

    Args:
        limit: the first so many are used; None: all.
        val: the share of them that is set apart.
        val_seed: which ones.
    """

    limit: PositiveInt | None = None
    val: Share | None = None
    val_seed: Seed = 0

    def cut(self, groups: Tensor) -> tuple[Tensor, Tensor]:
        """Which of the training rows, whose groups are ``[N]``, to learn from and which to set apart.

        Raises:
            DataError: if one of the two parts would be empty.
        """
        used = torch.arange(len(groups)) < (self.limit or len(groups))
        apart = torch.zeros_like(used)
        if self.val is not None:
            apart[used] = pick(groups[used], self.val, self.val_seed)
            refuse_empty(self.val, int((used & ~apart).sum()), int(apart.sum()))
        return used & ~apart, apart


def with_validation(data: Dataset, share: float, seed: int) -> Dataset:
    """The data with ``share`` of its training samples set apart: of each class as large a share.

    Samples that are in order are not picked one by one: of those the last are taken.

    Args:
        data: it may not have such a part yet.
        share: between 0 and 1.
        seed: another picks other samples; no part of a run's own seed, so runs of all seeds are comparable.

    Raises:
        DataError: if one of the two parts would be empty.
    """
    train = data.train
    if train.in_order:
        count = len(train) - round(share * len(train))
        parts = (
            train.first(count),
            replace(train, samples=train.samples[count:], targets=train.targets[count:]),
        )
    else:
        classes = classes_in(train)
        groups = torch.zeros(len(train), dtype=torch.int64) if classes is None else classes
        picked = pick(groups, share, seed)
        parts = train.picked(~picked), train.picked(picked)
    refuse_empty(share, len(parts[0]), len(parts[1]))
    return replace(data, train=parts[0], val=parts[1])


def refuse_empty(share: float, learnt: int, looked_at: int) -> None:
    """Refuse to cut samples in two where one part has none.

    Raises:
        DataError: if that is so.
    """
    for count, use in ((learnt, "learn from"), (looked_at, "look at")):
        if not count:
            raise DataError(f"data.val: {share} of {learnt + looked_at} samples leaves none to {use}")


def classes_in(split: Split) -> Tensor | None:
    """Each sample's class, int64 ``[N]``; None where a sample has none, or one at each of its places."""
    if split.task != "classification" or split.targets.dim() != 1:
        return None
    return split.expected
