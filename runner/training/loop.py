"""The training loop: plain objects in, one result an epoch out. It prints, logs and writes nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.metrics import Metric, correct
from runner.nn.layers.layer import Layer
from runner.nn.link import identity, link_of
from runner.nn.losses import Loss, mass, weighs
from runner.nn.store import ParameterStore
from runner.optim.rates import Rates
from runner.optim.rules import Rule
from runner.optim.schedules import Schedule
from runner.process.parallel import ALONE, Workers
from runner.training.collected import Collected
from runner.training.mixed import loss_and_prediction
from runner.training.resumable import restore, seed_noise, snapshot_of
from runner.training.snapshot import Snapshot
from runner.training.step import Step

LOOK_EVERY = 5.0
"""Seconds between two looks at whether an epoch is worth going on with: each waits for the device."""

EVALUATION_ROWS, EVALUATION_BYTES = 8192, 32 * 1024**2
"""Samples, and bytes of inputs, a forward pass when nothing is learnt: large enough to be fast."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
        number: 1, 2, …
        metrics: by their names in the tracking store.
        is_finite: whether all parameters are finite numbers after it.
    """

    number: int
    metrics: dict[str, float]
    is_finite: bool = True


class Totals:
    """Sums over an epoch's batches, kept on the device and read once at the end.

    Args:
        split: what the batches are of; for classes and labels, correct predictions are counted as well.
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
        self.counts_correct = split.task != "regression"
        link = link_of(loss, split.task)  # none changes which class is the largest
        self._decided = identity if split.task == "classification" else link.predictions
        self._places = split.targets.shape[1:].numel()  # of a sample: more in a sequence, and of labels
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
            hits = correct(self._decided(prediction), target)
            self._correct[..., :count].add_(hits if self._places == 1 else hits.flatten(members + 1).sum(-1))

    @property
    def is_finite(self) -> bool:
        """Whether all losses so far have been finite numbers; the device is waited for."""
        return bool(self._loss.isfinite().all())

    def means(self, prefix: str, samples: int, workers: Workers = ALONE) -> list[dict[str, float]]:
        """``<prefix>loss``, and ``<prefix>accuracy`` for classes and labels, of each model.

        This is where the device is waited for.
        """
        sums = torch.stack([self._loss, self._correct.sum(-1).double(), self._mass])
        workers.sum(sums)
        sums[0] /= sums[2] if weighs(self._weighed_by) else samples
        sums[1] /= samples * self._places
        losses, accuracies, _ = sums.view(3, -1).tolist()
        if not self.counts_correct:
            return [{f"{prefix}loss": loss} for loss in losses]
        return [
            {f"{prefix}loss": loss, f"{prefix}accuracy": accuracy}
            for loss, accuracy in zip(losses, accuracies, strict=True)
        ]


class Training:
    """A model's training, an epoch at a time: iterated, it gives each epoch's result as soon as it is there.

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
        noise_seed: what layers draw at random follows from it, from the worker and from the epoch.
        before_batch: called before each training batch; what it raises ends the training.

    Attributes:
        history: the metrics of the epochs that are over.
    """

    def __init__(
        self,
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
        noise_seed: int = 0,
        before_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self._model, self._store, self._loss, self._data = model, store, loss, data
        self._rule, self._schedule, self._metrics, self._workers = rule, schedule, metrics, workers
        self._epochs, self._accumulate, self._noise_seed = epochs, accumulate, noise_seed
        self._before_batch = before_batch
        device = store.params.device
        self._batches = Batches(
            data.train, batch_size, generator, device, workers, data.augmentation, data.mixup
        )
        self._totals = Totals(data.train, loss, self._batches.batch_size, device)
        self._state = rule.init(store.params)
        self._lr = torch.zeros((), dtype=torch.float64, device=device)
        parts = {"model": model, "loss": loss, "optim": rule, "optim.state": self._state}
        self._step = Step(
            self._learn, self._update, store, loss, len(self._batches), accumulate, workers, parts
        )
        self.history: list[dict[str, float]] = []

    def __iter__(self) -> Iterator[Epoch]:
        while len(self.history) < self._epochs:
            yield self.epoch()

    def epoch(self) -> Epoch:
        """Train one epoch."""
        number = len(self.history) + 1
        rates = Rates(self._rule, self._schedule, number, self._epochs, self._step.updates, self.history)
        started = perf_counter()
        look = started + LOOK_EVERY
        for _ in self._steps(rates, number):
            if perf_counter() > look and self._workers.size == 1:
                look = perf_counter() + LOOK_EVERY
                if not self._totals.is_finite:
                    break
        self._workers.average(self._store.buffers)  # each has seen its share of the batches
        samples = len(self._data.train)
        (measured,) = self._totals.means("train/", samples, self._workers)
        seconds = perf_counter() - started
        for prefix, split in self._data.held_out:
            measured |= evaluate(
                self._model, self._store, self._loss, split, prefix, self._workers, self._metrics
            )
        measured |= {
            "lr": rates.last,
            "time/epoch_seconds": seconds,
            "time/samples_per_second": samples / seconds,
        }
        self.history.append(measured)
        return Epoch(number, measured, bool(self._store.params.isfinite().all()))

    def _steps(self, rates: Rates, number: int) -> Iterator[int]:
        """Train the batches of an epoch; gives the number of each, 1, 2, …, when that is done."""
        self._lr.fill_(rates.first)
        self._totals.clear()
        seed_noise(self._store, self._noise_seed, number, self._workers.rank)
        self._step.begin_epoch()
        for place, (inputs, targets) in enumerate(self._batches):
            self._before_batch()
            if self._schedule.per_step:
                self._lr.fill_(rates.at(place // self._accumulate))
            self._step(inputs, targets)
            yield place + 1

    def fault(self, before: Snapshot) -> str | None:
        """What first was no finite number in the epoch after a snapshot, which is trained again to see it."""
        self.restore(before)
        number = before.epoch + 1
        rates = Rates(self._rule, self._schedule, number, self._epochs, self._step.updates, self.history)
        return first_fault(
            self._steps(rates, number),
            self._totals,
            self._store,
            len(self._batches),
            self._workers,
        )

    def snapshot(self) -> Snapshot:
        """What it takes to go on from here."""
        values = {"history": list(self.history)}
        return snapshot_of(len(self.history), self._store, self._state, self._batches, values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there.

        Raises:
            ValueError: if it is the state of another model or rule.
        """
        if snapshot.epoch:
            self._step.rehearse(self._batches)
        restore(snapshot, self._store, self._state, self._batches)
        self.history = list(snapshot.values["history"])

    def _learn(self, inputs: Tensor, targets: Tensor) -> None:
        if len(targets) == 0:  # a worker's share of a last batch that is smaller than the workers are many
            self._store.grads.zero_()
            return
        with self._store.learning():
            error, prediction = loss_and_prediction(
                self._model, self._store, self._loss, inputs, targets, self._batches.share
            )
        self._totals.add(error, prediction, targets)
        self._store.backward(error)  # last, so that the update finds the gradients in the cache

    def _update(self) -> None:
        self._rule.step(self._store.params, self._store.grads, self._state, self._lr)
        self._store.update_average()


def first_fault(
    steps: Iterable[int], totals: Totals, store: ParameterStore, count: int, workers: Workers = ALONE
) -> str | None:
    """Where an epoch's training goes wrong, in words; None if it doesn't.

    Args:
        steps: trains it, step by step.
        totals: of its losses.
        store: with its gradients.
        count: how many steps there are.
        workers: who trains together: what goes wrong with one of them is told by all.
    """
    for step in steps:
        wrong = [name for name, gradient in store.named_gradients().items() if not gradient.isfinite().all()]
        found = f"the gradient of {wrong[0]}" if wrong else "a worker's loss or gradient"
        if not totals.is_finite:
            found = "the loss"
        has_fault = torch.tensor(float(bool(wrong) or not totals.is_finite), device=store.params.device)
        workers.sum(has_fault)
        if has_fault:
            return f"step {step} of {count}: {found} is no finite number"
    return None


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
        measured |= collected.measure(metrics, prefix, link_of(loss, split.task))[0]
    return measured


def evaluation_rows(split: Split) -> int:
    """Samples a forward pass when nothing is learnt."""
    return min(EVALUATION_ROWS, max(EVALUATION_BYTES // split.input_bytes, 1))
