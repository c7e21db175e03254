"""The training loop of K models at once: each learns what it would learn alone, to rounding."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial
from time import perf_counter

import torch
from torch import Tensor

from runner.data.batches import Batches, StackedBatches
from runner.data.dataset import Dataset, Split
from runner.metrics import Metric
from runner.nn.layers.layer import Layer
from runner.nn.link import link_of
from runner.nn.losses import Loss
from runner.nn.stacked_store import StackedStore, stacked
from runner.nn.store import ParameterStore
from runner.optim.rates import Rates
from runner.optim.rules import Rule, State
from runner.optim.schedules import Schedule
from runner.optim.stacking import stack_rules
from runner.training.collected import Collected
from runner.training.loop import Epoch, Totals, evaluation_rows, first_fault
from runner.training.mixed import loss_and_prediction
from runner.training.resumable import restore, seed_noise, snapshot_of
from runner.training.snapshot import Snapshot
from runner.training.step import Step


class Member:
    """One of the models of a stack: what is its own.

    Args:
        store: its initial parameters, sealed.
        rule: of the same kind as the others', with numbers of its own.
        schedule: how its learning rate changes.
        generator: draws its order of each epoch; None keeps the data's own.

    Attributes:
        history: the metrics of its epochs that are over.
    """

    def __init__(
        self, store: ParameterStore, rule: Rule, schedule: Schedule, generator: torch.Generator | None
    ) -> None:
        self.store, self.rule, self.schedule, self.generator = store, rule, schedule, generator
        self.history: list[dict[str, float]] = []


class Stack:
    """K models that train as one program; ``epoch`` by ``epoch``, members may leave in between.

    Args:
        model: of every member; parameters lie in their stores by its addresses.
        members: at least one, all on the device to train on.
        loss: what is made small.
        data: on that device, or in files; each member goes through it in its own order.
        epochs: how many there will be, for the schedules.
        batch_size: samples a step for each member.
        accumulate: batches whose gradients are added up for a step.
        metrics: measured of ``val`` and test predictions, beside loss and accuracy.
        noise_seed: what layers draw at random follows from it and from the epoch.
        before_batch: called before each training batch; what it raises ends the training.

    Raises:
        TypeError: if the rules can't be stacked.
    """

    def __init__(
        self,
        model: Layer,
        members: Sequence[Member],
        loss: Loss,
        data: Dataset,
        *,
        epochs: int,
        batch_size: int,
        accumulate: int = 1,
        metrics: Sequence[Metric] = (),
        noise_seed: int = 0,
        before_batch: Callable[[], None] = lambda: None,
    ) -> None:
        self._model, self._loss, self._data = model, loss, data
        self._epochs, self._batch_size, self._before_batch = epochs, batch_size, before_batch
        self._accumulate, self._metrics, self._noise_seed = accumulate, metrics, noise_seed
        self._number = 0
        store = stacked([member.store for member in members])
        rule = stack_rules([member.rule for member in members], store.params.device)
        self._set_up(members, store, rule.init(store.params))

    def _set_up(self, members: Sequence[Member], store: StackedStore, state: State) -> None:
        device = store.params.device
        self.members, self.store, self._state = list(members), store, state
        self._rule = stack_rules([member.rule for member in members], device)
        self._lr = torch.zeros((len(members), 1), device=device)
        generators = [member.generator for member in members]
        self._batches = StackedBatches(
            self._data.train, self._batch_size, generators, device, self._data.augmentation, self._data.mixup
        )
        self._totals = Totals(self._data.train, self._loss, self._batches.batch_size, device, len(members))
        parts = {"model": self._model, "loss": self._loss, "optim": self._rule, "optim.state": self._state}
        self._step = Step(
            self._learn, self._update, store, self._loss, len(self._batches), self._accumulate, parts=parts
        )
        self._is_recorded = False

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the members, by their places; the others cost nothing from here on."""
        self._set_up(
            [self.members[row] for row in rows],
            self.store.rows(rows),
            {name: value[list(rows)] if value.dim() else value for name, value in self._state.items()},
        )

    def epoch(self) -> list[Epoch]:
        """Train one epoch; gives each member's, and a member's share of the time as its time.

        Raises:
            TypeError: if a part has state in Python that changes from batch to batch.
        """
        self._number += 1
        rates = self._rates()
        started = perf_counter()
        for _ in self._steps(rates):
            self._is_recorded = True
        samples = len(self._data.train)
        trained = self._totals.means("train/", samples)
        seconds = (perf_counter() - started) / len(self.members)
        tested: list[dict[str, float]] = [{} for _ in self.members]
        for prefix, split in self._data.held_out:
            measured = self.evaluate(split, prefix, metrics=self._metrics)
            tested = [a | b for a, b in zip(tested, measured, strict=True)]
        is_finite = self.store.params.isfinite().all(dim=1).tolist()
        times = {"time/epoch_seconds": seconds, "time/samples_per_second": samples / seconds}
        epochs = [
            Epoch(self._number, train | test | {"lr": each.last} | times, finite)
            for train, test, each, finite in zip(trained, tested, rates, is_finite, strict=True)
        ]
        for member, epoch in zip(self.members, epochs, strict=True):
            member.history.append(epoch.metrics)
        return epochs

    def _rates(self) -> list[Rates]:
        """The rates of the present epoch, of each member."""
        return [
            Rates(m.rule, m.schedule, self._number, self._epochs, self._step.updates, m.history)
            for m in self.members
        ]

    def _steps(self, rates: Sequence[Rates]) -> Iterator[int]:
        """Train the batches of the present epoch; gives the number of each, 1, 2, …, when that is done."""
        per_step = any(member.schedule.per_step for member in self.members)
        self._set_rates([each.first for each in rates])
        self._totals.clear()
        seed_noise(self.store, self._noise_seed, self._number)
        self._step.begin_epoch()
        for place, (inputs, targets) in enumerate(self._batches):
            self._before_batch()
            if per_step:
                self._set_rates([each.at(place // self._accumulate) for each in rates])
            self._step(inputs, targets)
            if self._step.python_state:
                raise TypeError(f"state in Python would be shared: {self._step.python_state}")
            yield place + 1

    def fault(self, before: Snapshot, row: int) -> str | None:
        """What first was no finite number of a member in the epoch after a snapshot, which it trains again.

        Args:
            before: the state, of all present members.
            row: which of them; it trains no more after this.
        """
        alone = copy(self)
        state = {name: value[[row]] if value.dim() else value.clone() for name, value in self._state.items()}
        alone._set_up([copy(self.members[row])], self.store.rows([row]), state)
        alone.restore(row_of(before, row))
        alone._number += 1
        count = len(alone._batches)
        return first_fault(alone._steps(alone._rates()), alone._totals, alone.store, count)

    def snapshot(self) -> Snapshot:
        """What it takes to go on from here with the present members."""
        values = {
            "histories": [list(member.history) for member in self.members],
            "is_recorded": self._is_recorded,
        }
        return snapshot_of(self._number, self.store, self._state, self._batches, values)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from there.

        Raises:
            ValueError: if it is the state of other models or rules, or of another number of them.
        """
        if snapshot.values["is_recorded"]:
            self._step.rehearse(self._batches)
            self._is_recorded = True
        restore(snapshot, self.store, self._state, self._batches)
        self._number = snapshot.epoch
        for member, history in zip(self.members, snapshot.values["histories"], strict=True):
            member.history = list(history)

    def _set_rates(self, rates: Sequence[float]) -> None:
        self._lr.copy_(torch.tensor(rates).unsqueeze(1))

    @torch.inference_mode()
    def evaluate(
        self, split: Split, prefix: str, store: StackedStore | None = None, metrics: Sequence[Metric] = ()
    ) -> list[dict[str, float]]:
        """What ``loop.evaluate`` tells of each member; or of those in ``store``."""
        store = self.store if store is None else store
        device, members = store.params.device, len(store)
        batches = Batches(split, max(evaluation_rows(split) // members, 1), None, device)
        totals = Totals(split, self._loss, batches.batch_size, device, members)
        collected = (
            Collected(split, batches.batch_size, self._model.out_shape, device, members=members)
            if metrics
            else None
        )
        forward = partial(self._forward, store)
        with store.evaluating():
            for place, (inputs, targets) in enumerate(batches):
                losses, predictions = store.over_members(forward, inputs, targets, shared=True)
                totals.add(losses, predictions, targets.expand(members, *targets.shape))
                if collected:
                    collected.add(place, predictions)
        means = totals.means(prefix, len(split))
        if not collected:
            return means
        measured = collected.measure(metrics, prefix, link_of(self._loss, split.task))
        return [a | b for a, b in zip(means, measured, strict=True)]

    def _forward(
        self, store: StackedStore, inputs: Tensor, targets: Tensor, share: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """One member's loss and prediction."""
        return loss_and_prediction(self._model, store, self._loss, inputs, targets, share)

    def _learn(self, inputs: Tensor, targets: Tensor) -> None:
        shares = [] if self._batches.share is None else [self._batches.share]
        forward = partial(self._forward, self.store)
        with self.store.learning():
            losses, predictions = self.store.over_members(forward, inputs, targets, *shares)
        self._totals.add(losses, predictions, targets)
        self.store.backward(losses.sum())  # of which each member's parameters see their own part alone

    def _update(self) -> None:
        self._rule.step(self.store.params, self.store.grads, self._state, self._lr)
        self.store.update_average()


def row_of(snapshot: Snapshot, row: int) -> Snapshot:
    """The state of one member of a stack, as that of a stack of one."""
    tensors = {name: value[[row]] if value.dim() else value for name, value in snapshot.tensors.items()}
    histories = [snapshot.values["histories"][row]]
    return Snapshot(
        snapshot.epoch, tensors, {**snapshot.values, "histories": histories, "is_recorded": False}
    )
