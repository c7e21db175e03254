"""Mini-batches: a split cut into pieces, in a new random order each time or in its own."""

from collections.abc import Iterator

import torch
from torch import Tensor

from runner.data.dataset import Split


class Batches:
    """An epoch of ``(inputs, targets)`` each time it is iterated; the short last batch is kept.

    A shuffled batch is gathered into buffers that the next batch reuses, so it holds until the next is
    asked for.

    Args:
        split: the samples.
        batch_size: how many a batch.
        generator: draws a fresh order of all samples each epoch; None keeps the split's order.
    """

    def __init__(self, split: Split, batch_size: int, generator: torch.Generator | None) -> None:
        self.split = split
        self.batch_size = batch_size
        self.generator = generator
        if generator is not None:
            self._inputs = torch.empty_like(split.inputs[:batch_size])
            self._targets = torch.empty_like(split.targets[:batch_size])

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.generator is None:
            yield from zip(
                torch.split(self.split.inputs, self.batch_size),
                torch.split(self.split.targets, self.batch_size),
                strict=True,
            )
            return
        order = torch.randperm(len(self.split), generator=self.generator).to(self.split.inputs.device)
        for indices in torch.split(order, self.batch_size):
            count = len(indices)
            yield (
                torch.index_select(self.split.inputs, 0, indices, out=self._inputs[:count]),
                torch.index_select(self.split.targets, 0, indices, out=self._targets[:count]),
            )
