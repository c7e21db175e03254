"""A share of the samples, picked at random."""

import torch
from torch import Tensor


def pick(groups: Tensor, share: float, seed: int) -> Tensor:
    """Which samples to set apart: of each group as large a share.

    Args:
        groups: each sample's group, int64 ``[N]``.
        share: between 0 and 1.
        seed: another picks others.

    Returns:
        True for those that are picked ``[N]``.
    """
    generator = torch.Generator().manual_seed(seed)
    picked = torch.zeros(len(groups), dtype=torch.bool)
    for group in torch.unique(groups):
        (members,) = torch.where(groups == group)
        order = torch.randperm(len(members), generator=generator)
        picked[members[order[: round(share * len(members))]]] = True
    return picked
