"""Mixup: learning from blends of two samples."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixup:
    """``lam x + (1 - lam) x'`` of two samples, whose loss is ``lam loss(y) + (1 - lam) loss(y')``.

    As in H. Zhang et al., mixup: Beyond Empirical Risk Minimization (2018, arXiv 1710.09412): ``lam`` is
    drawn from Beta(alpha, alpha), once a batch, and x' is another sample of the batch; here, where batches
    are in random order, the one before x. Of lam and 1 - lam the larger counts as lam, which makes the same
    pairs: so y is the target that a blend has most of.

    Args:
        alpha: near 0 hardly anything is mixed, at 1 any share is as likely.
    """

    alpha: float

    def shares(self, batches: int, generator: torch.Generator) -> Tensor:
        """The ``lam`` of each batch of an epoch, float32 ``[batches]``, between 0.5 and 1."""
        seed = int(torch.randint(2**63 - 1, (), generator=generator))
        drawn = np.random.default_rng(seed).beta(self.alpha, self.alpha, batches)
        return torch.from_numpy(np.maximum(drawn, 1 - drawn).astype(np.float32))
