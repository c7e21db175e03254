"""The training loop: plain objects in, one result an epoch out. It prints, logs and writes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from runner.collected import Collected
from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.metrics import Metric, correct
from runner.mixed import loss_and_prediction
from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss, divisor_weights, mass
from runner.nn.store import ParameterStore
from runner.optim.rates import Rates
from runner.optim.rules import Rule
from runner.optim.schedules import Schedule
from runner.parallel import ALONE, Workers
from runner.step import Step

EVALUATION_ROWS, EVALUATION_BYTES = 8192, 32 * 1024**2
"""Samples, and bytes of inputs, a forward pass when nothing is learnt: large enough to be fast."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave: its number (1, 2, …) and its metrics, by their names in the tracking store."""

    number: int
    metrics: dict[str, float]


class Totals:
    """Sums over an epoch's batches, kept on the device and read once at the end.

    Args:
        split: what the batches are of; for classes, correct predictions are counted as well.
        loss: whose means are added up.
        batch_size: the most samples a batch.
        device: where the batches are.
        members: K if sums are to be kept for each of K stacked models; then every tensor begins with K.
    """

    def __init__(
        self,
        split: Split,
        loss: Loss,
        batch_size: int,
        device: torch.device,
        members: int | None = None,
    ) -> None:
        self._weighed_by = loss
        self.counts_correct = split.task == "classification"
        self._places = split.targets.shape[1:].numel()  # of a sample that have a class: more in a sequence
        shape = () if members is None else (members,)
        self._loss = torch.zeros(shape, dtype=torch.float64, device=device)
        self._mass = torch.zeros_like(self._loss)
        # by place in the batch
        self._correct = torch.zeros((*shape, batch_size), dtype=torch.int64, device=device)

    def clear(self) -> None:
        """Begin anew."""
        self._loss.zero_()
        self._mass.zero_()
        self._correct.zero_()

    @torch.no_grad()
    def add(self, mean_loss: Tensor, prediction: Tensor, target: Tensor) -> None:
        """Count a batch in, its mean loss weighted by its samples, or by the weights of their classes."""
        members = self._loss.dim()
        count, weight = target.shape[members], mass(self._weighed_by, target, members)
        if isinstance(weight, Tensor):
            self._loss.add_(mean_loss * weight)
            self._mass.add_(weight)
        else:
            self._loss.add_(mean_loss, alpha=weight)
        if self.counts_correct:
            hits = correct(prediction, target)
            self._correct[..., :count].add_(hits if self._places == 1 else hits.flatten(members + 1).sum(-1))

    def means(self, prefix: str, samples: int, workers: Workers = ALONE) -> list[dict[str, float]]:
        """``<prefix>loss``, and ``<prefix>accuracy`` for classes, of each model.

        This is where the device is waited for.
        """
        sums = torch.stack([self._loss, self._correct.sum(-1).double(), self._mass])
        workers.sum(sums)
        sums[0] /= sums[2] if divisor_weights(self._weighed_by) else samples
        sums[1] /= samples * self._places
        losses, accuracies, _ = sums.view(3, -1).tolist()
        if not self.counts_correct:
            return [{f"{prefix}loss": loss} for loss in losses]
        return [
            {f"{prefix}loss": loss, f"{prefix}accuracy": accuracy}
            for loss, accuracy in zip(losses, accuracies, strict=True)
        ]


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
    accumulate: int = 1,
    metrics: Sequence[Metric] = (),
    workers: Workers = ALONE,
    before_batch: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Train, and give each epoch's result as soon as it is there.

    Training metrics are those of the epoch's own batches, as trained; ``val`` (where there is a validation
    part) and test metrics those after the epoch.

    Args:
        model: what is trained; its parameters lie in ``store``.
        store: sealed, on the device to train on.
        loss: what is made small.
        rule: how parameters follow from gradients.
        schedule: how the rule's learning rate changes.
        data: on the store's device, or in files.
        epochs: how often the training part is gone through.
        batch_size: samples a step; the last batch of an epoch may be shorter.
        generator: draws each epoch's order; None keeps the data's own.
        accumulate: batches whose gradients are added up for a step.
        metrics: measured of ``val`` and test predictions, beside loss and accuracy.
        workers: who trains the model together; each has the same data, parameters and order.
        before_batch: called before each training batch; what it raises ends the training.
    """
    device = store.params.device
    batches = Batches(data.train, batch_size, generator, device, workers, data.augmentation, data.mixup)
    totals = Totals(data.train, loss, batches.batch_size, device)
    state = rule.init(store.params)
    lr = torch.zeros((), dtype=torch.float64, device=device)

    def learn(inputs: Tensor, targets: Tensor) -> None:
        if len(targets) == 0:  # a worker's share of a last batch that is smaller than the workers are many
            store.grads.zero_()
            return
        error, prediction = loss_and_prediction(model, store, loss, inputs, targets, batches.share)
        totals.add(error, prediction, targets)
        store.backward(error)  # last, so that the update finds the gradients in the cache

    def update() -> None:
        rule.step(store.params, store.grads, state, lr)
        store.update_average()

    step = Step(learn, update, store, loss, len(batches), accumulate, workers)
    history: list[dict[str, float]] = []
    for number in range(1, epochs + 1):
        rates = Rates(rule, schedule, number, epochs, step.updates, history)
        lr.fill_(rates.first)
        totals.clear()
        started = perf_counter()
        for place, (inputs, targets) in enumerate(batches):
            before_batch()
            if schedule.per_step:
                lr.fill_(rates.at(place // accumulate))
            step(inputs, targets)
        workers.average(store.buffers)  # each has seen its share of the batches
        (measured,) = totals.means("train/", len(data.train), workers)
        seconds = perf_counter() - started
        for prefix, split in data.held_out:
            measured |= evaluate(model, store, loss, split, prefix, workers, metrics)
        measured |= {
            "lr": rates.last,
            "time/epoch_seconds": seconds,
            "time/samples_per_second": len(data.train) / seconds,
        }
        history.append(measured)
        yield Epoch(number, measured)


@torch.inference_mode()
def evaluate(
    model: Layer,
    store: ParameterStore,
    loss: Loss,
    split: Split,
    prefix: str,
    workers: Workers = ALONE,
    metrics: Sequence[Metric] = (),
) -> dict[str, float]:
    """``<prefix>loss``, for classes ``<prefix>accuracy``, and ``metrics``, over all of ``split``."""
    device = store.params.device
    batches = Batches(split, evaluation_rows(split), None, device, workers)
    totals = Totals(split, loss, batches.batch_size, device)
    collected = Collected(split, batches.batch_size, model.out_shape, device, workers) if metrics else None
    with store.evaluating():
        for place, (inputs, targets) in enumerate(batches):
            if len(targets) > 0:  # else this worker has no share of the last batch
                prediction = model.forward(store, inputs)
                totals.add(loss(prediction, targets), prediction, targets)
                if collected:
                    collected.add(place, prediction)
    (measured,) = totals.means(prefix, len(split), workers)
    if collected:
        measured |= collected.measure(metrics, prefix)[0]
    return measured


def evaluation_rows(split: Split) -> int:
    """Samples a forward pass when nothing is learnt."""
    return min(EVALUATION_ROWS, max(EVALUATION_BYTES // split.input_bytes, 1))
