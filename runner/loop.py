"""The training loop: plain objects in, one result an epoch out. It prints, logs and writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss
from runner.nn.metrics import correct
from runner.nn.store import ParameterStore
from runner.optim.rules import Rule
from runner.optim.schedules import Schedule

EVALUATION_BATCH = 8192
"""Samples a forward pass when nothing is learnt: large enough to be fast, small enough to fit."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave: its number (1, 2, …) and its metrics, by their names in the tracking store."""

    number: int
    metrics: dict[str, float]


class Totals:
    """Sums over an epoch's batches, kept on the device and read once at the end."""

    def __init__(self, loss: Loss, device: torch.device) -> None:
        self.counts_correct = loss.task == "classification"
        self.samples = 0
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)

    @torch.no_grad()
    def add(self, mean_loss: Tensor, prediction: Tensor, target: Tensor) -> None:
        """Count a batch in, its mean loss weighted by its samples."""
        self.samples += len(target)
        self._loss.add_(mean_loss, alpha=len(target))
        if self.counts_correct:
            self._correct.add_(correct(prediction, target))

    def means(self, prefix: str) -> dict[str, float]:
        """``<prefix>loss``, and ``<prefix>accuracy`` for classes; this is where the device is waited for."""
        means = {f"{prefix}loss": self._loss.item() / self.samples}
        if self.counts_correct:
            means[f"{prefix}accuracy"] = self._correct.item() / self.samples
        return means


def fit(
    model: Layer,
    store: ParameterStore,
    loss: Loss,
    rule: Rule,
    schedule: Schedule,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int,
    generator: torch.Generator | None,
) -> Iterator[Epoch]:
    """Train, and give each epoch's result as soon as it is there.

    Training metrics are those of the epoch's own batches, as trained; test metrics those after the epoch.

    Args:
        model: what is trained; its parameters lie in ``store``.
        store: sealed, on the data's device.
        loss: what is made small.
        rule: how parameters follow from gradients.
        schedule: how the rule's learning rate changes.
        data: on the store's device.
        epochs: how often the training part is gone through.
        batch_size: samples a step; the last batch of an epoch may be shorter.
        generator: draws each epoch's order; None keeps the data's own.
    """
    batches = Batches(data.train, batch_size, generator)
    state = rule.init(store.params)
    for number in range(1, epochs + 1):
        lr = rule.lr * schedule.factor(number, epochs)
        totals = Totals(loss, store.params.device)
        started = perf_counter()
        for inputs, targets in batches:
            prediction = model.forward(store, inputs)
            error = loss(prediction, targets)
            store.zero_grads()
            torch.autograd.backward(error)
            rule.step(store.params, store.grads, state, lr)
            totals.add(error, prediction, targets)
        metrics = totals.means("train/")
        seconds = perf_counter() - started
        metrics |= evaluate(model, store, loss, data.test, "test/")
        metrics |= {
            "lr": lr,
            "time/epoch_seconds": seconds,
            "time/samples_per_second": len(data.train) / seconds,
        }
        yield Epoch(number, metrics)


@torch.inference_mode()
def evaluate(model: Layer, store: ParameterStore, loss: Loss, split: Split, prefix: str) -> dict[str, float]:
    """Loss, and accuracy for classes, over all of ``split``: ``<prefix>loss``, ``<prefix>accuracy``."""
    totals = Totals(loss, store.params.device)
    for inputs, targets in Batches(split, EVALUATION_BATCH, generator=None):
        prediction = model.forward(store, inputs)
        totals.add(loss(prediction, targets), prediction, targets)
    return totals.means(prefix)
