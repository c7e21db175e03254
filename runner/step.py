"""A training step: learn from batches, then update; the gradients of several batches or workers added up."""

from collections.abc import Callable, Sequence
from math import ceil

import torch
from torch import Tensor

from runner.engine.capture import Captured
from runner.nn.store import ParameterStore
from runner.parallel import ALONE, Workers


class Step:
    """Takes batch after batch; each is a step, or each ``accumulate``-th, and the last of an epoch.

    The gradient of several batches is what one batch of all their samples would give.

    Args:
        learn: leaves a batch's mean gradient in the store.
        update: changes parameters by the gradient there.
        store: the store.
        sizes: the samples of each batch of an epoch, over all workers.
        accumulate: batches a step.
        workers: who shares each batch.
    """

    def __init__(
        self,
        learn: Callable[[Tensor, Tensor], None],
        update: Callable[[], None],
        store: ParameterStore,
        sizes: Sequence[int],
        accumulate: int = 1,
        workers: Workers = ALONE,
    ) -> None:
        self.updates = ceil(len(sizes) / accumulate)
        self._sizes, self._accumulate = sizes, accumulate
        self._workers, self._store = workers, store
        self._place = 0
        device = store.params.device
        self._at_once: Captured | None = None
        if workers.size == 1 and accumulate == 1:

            def step(inputs: Tensor, targets: Tensor) -> None:
                learn(inputs, targets)
                update()

            self._at_once = Captured(step, device)
            return
        self._learn, self._update = Captured(learn, device), Captured(update, device)
        self._sum = torch.zeros_like(store.grads) if accumulate > 1 else store.grads
        self._samples = 0

    def rehearse(self, batch_of: Callable[[int], tuple[Tensor, Tensor]]) -> None:
        """Have everything recorded that an epoch needs, whatever that does to the store.

        What is replayed is computed to the same bits each time, but sums over narrow matrices not to those
        of the first time, when they are recorded.

        Args:
            batch_of: gives a batch of so many samples.
        """
        for size in dict.fromkeys(self._sizes):
            (self._at_once or self._learn)(*batch_of(size))
        if self._at_once is None:
            self._update()

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        """Learn from a batch; update, if it is time."""
        if self._at_once is not None:
            self._at_once(inputs, targets)
            return
        self._learn(inputs, targets)
        samples = self._sizes[self._place]
        self._place = (self._place + 1) % len(self._sizes)
        if self._accumulate > 1:
            self._sum.add_(self._store.grads, alpha=samples)
            self._samples += samples
            if self._place % self._accumulate:
                return
            torch.div(self._sum, self._samples, out=self._store.grads)
            self._sum.zero_()
            self._samples = 0
        self._workers.sum(self._store.grads)
        self._update()
