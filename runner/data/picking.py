"""A share of the samples, picked at random."""

import torch
from torch import Tensor

ROUNDING = 1e-9
"""How far below a whole number its product of a share and a count may lie: 0.29 of 100 is 28.999…96."""


def pick(groups: Tensor, share: float, seed: int) -> Tensor:
    """Which samples to set apart: ``share`` of all, and of each group as large a share, as near as can be.

    Args:
        groups: each sample's group, int64 ``[N]``.
        share: between 0 and 1.
        seed: another picks others.

    Returns:
        True for those that are picked ``[N]``: ``round(share * N)`` of them.
    """
    generator = torch.Generator().manual_seed(seed)
    _, sizes = torch.unique(groups, return_counts=True)
    members = torch.split(torch.argsort(groups, stable=True), sizes.tolist())
    orders = [torch.randperm(len(each), generator=generator) for each in members]
    ties = torch.rand(len(sizes), generator=generator)
    counts = seats(sizes, share, ties).tolist()
    picked = torch.zeros(len(groups), dtype=torch.bool)
    for each, order, count in zip(members, orders, counts, strict=True):
        picked[each[order[:count]]] = True
    return picked


def seats(sizes: Tensor, share: float, ties: Tensor) -> Tensor:
    """How many to pick of each group, by the method of largest remainders.

    Each group has its share, rounded down. What is left of the whole goes, one each, first to groups that
    would have none, if they have two members or more; then to those whose shares were cut by most; last to
    those that it would leave with nothing.

    Args:
        sizes: of each group, int64 ``[G]``.
        share: between 0 and 1.
        ties: a random number a group, by which equal claims are ranked.

    Returns:
        int64 ``[G]``, ``round(share * sizes.sum())`` in all.
    """
    quotas = share * sizes.double()
    counts = (quotas + ROUNDING).floor().long()
    claims = quotas - counts + ROUNDING * ties
    claims[(counts == 0) & (sizes > 1)] += 2
    claims[counts + 1 >= sizes] -= 2
    left = round(share * int(sizes.sum())) - int(counts.sum())
    counts[claims.argsort(descending=True)[:left]] += 1
    return counts
