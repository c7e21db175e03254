"""A training step: learn from batches, then update; the gradients of several batches or workers added up."""

from collections.abc import Callable, Mapping
from math import ceil

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.engine.capture import Captured
from runner.nn.class_weights import at_least_something
from runner.nn.losses import Loss, mass
from runner.nn.store import ParameterStore
from runner.process.parallel import ALONE, Workers


class Step:
    """Takes batch after batch; each is a step, or each ``accumulate``-th, and the last of an epoch.

    The gradient of several batches is what one batch of all their samples would give.

    Args:
        learn: leaves a batch's mean gradient in the store.
        update: changes parameters by the gradient there.
        store: the store.
        loss: whose gradient it is; it says how much a batch counts.
        batches: how many an epoch has.
        accumulate: batches a step.
        workers: who shares each batch.
        parts: what learns and updates, by what a user calls it: its Python state cannot be recorded.
    """

    def __init__(
        self,
        learn: Callable[[Tensor, Tensor], None],
        update: Callable[[], None],
        store: ParameterStore,
        loss: Loss,
        batches: int,
        accumulate: int = 1,
        workers: Workers = ALONE,
        parts: Mapping[str, object] | None = None,
    ) -> None:
        self.updates = ceil(batches / accumulate)
        self._loss, self._batches, self._accumulate = loss, batches, accumulate
        self._workers, self._store = workers, store
        self._place = 0
        device = store.params.device
        self._at_once: Captured | None = None
        if workers.size == 1 and accumulate == 1:

            def step(inputs: Tensor, targets: Tensor) -> None:
                learn(inputs, targets)
                update()

            self._at_once = Captured(step, device, parts)
            return
        self._learn, self._update = Captured(learn, device, parts), Captured(update, device, parts)
        *stack, parameters = store.grads.shape
        self._sums = torch.zeros((*stack, parameters + 1), device=device)  # of gradients, and of their masses

    def rehearse(self, batches: Batches) -> None:
        """Have everything recorded that an epoch needs, whatever that does to the store.

        What is replayed is computed to the same bits each time, but sums over narrow matrices not to those
        of the first time, when they are recorded.
        """
        for _ in range(2 if any(captured.is_watched for captured in self._captured) else 1):
            for size in batches.sizes:
                (self._at_once or self._learn)(*batches.first(size))
            if self._at_once is None:
                self._update()

    def begin_epoch(self) -> None:
        """Record anew what depends on Python state that has changed since the last epoch."""
        for captured in self._captured:
            captured.forget_if_changed()

    @property
    def python_state(self) -> str | None:
        """Which state in Python, if any, changes from batch to batch."""
        return next((each.python_state for each in self._captured if each.python_state), None)

    @property
    def _captured(self) -> list[Captured]:
        return [self._learn, self._update] if self._at_once is None else [self._at_once]

    def __call__(self, inputs: Tensor, targets: Tensor) -> None:
        """Learn from a batch; update, if it is time."""
        if self._at_once is not None:
            self._at_once(inputs, targets)
            return
        self._learn(inputs, targets)
        counted = mass(self._loss, targets, self._sums.dim() - 1)
        if isinstance(counted, Tensor):
            self._sums[..., :-1].add_(self._store.grads * counted.unsqueeze(-1))
        else:
            self._sums[..., :-1].add_(self._store.grads, alpha=counted)
        self._sums[..., -1].add_(counted)
        self._place = (self._place + 1) % self._batches
        if self._place % self._accumulate:
            return
        self._workers.sum(self._sums)
        torch.div(self._sums[..., :-1], at_least_something(self._sums[..., -1:]), out=self._store.grads)
        self._sums.zero_()
        self._update()
