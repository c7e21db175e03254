"""A checkpoint under a valid seal, but of another training or of none, is refused before anything changes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from runner.errors import CheckpointError
from runner.sweep.blocks import stack_of, training_of, with_parameters
from runner.sweep.planning.lanes import Stop
from runner.training.fitting import restore_from_file
from runner.training.loop import Training
from runner.training.snapshot import Snapshot
from runner.training.stack import Stack
from tests.sweep.composed import data_of, jobs_of

QUICK = "data=iris optim=adam train.epochs=3 train.restore_best=true"
FOLLOWED = ["test/loss"]

VALUES: dict[str, Callable[[Any], Any]] = {
    "a list": lambda _: [1],
    "a mapping": lambda _: {"a": 1},
    "text": lambda _: "x",
    "a number": lambda _: 3,
    "null": lambda _: None,
    "one epoch more": lambda history: [*history, history[-1]],
    "none": lambda _: [],
    "text in place of numbers": lambda history: [dict.fromkeys(each, "x") for each in history],
    "a metric less": lambda history: [
        {k: v for k, v in each.items() if k != "test/loss"} for each in history
    ],
}

TENSORS: dict[str, Callable[[Tensor], Tensor | None]] = {
    "left out": lambda _: None,
    "shorter": lambda tensor: tensor.flatten()[:2].clone(),
    "of another type": lambda tensor: tensor.to(torch.int32),
    "doubled": lambda tensor: torch.stack([tensor, tensor]),
    "a scalar": lambda _: torch.zeros((), dtype=torch.float16),
}


def trained(members: int) -> tuple[Callable[[], Training | Stack], Snapshot]:
    """What begins such a training, and its state after an epoch."""
    jobs = jobs_of([f"seed={seed}" for seed in range(members)], QUICK)
    data = data_of(jobs[0])

    def begin() -> Training | Stack:
        parts = [with_parameters(job) for job in jobs]
        if members == 1:
            return training_of(jobs[0], parts[0], data, Stop(), 3)
        return stack_of(jobs, parts, data, Stop())

    training = begin()
    training.epoch()
    store = training._store if isinstance(training, Training) else training.store
    store.remember()
    return begin, training.snapshot()


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "in a stack"])
def begun(request: pytest.FixtureRequest) -> tuple[Callable[[], Training | Stack], Snapshot]:
    return trained(request.param)


def test_a_snapshot_of_this_training_is_taken(begun: tuple[Callable[[], Training | Stack], Snapshot]) -> None:
    begin, snapshot = begun
    training = begin()
    restore_from_file(training, snapshot, FOLLOWED)
    again = training.snapshot()
    assert again.values == snapshot.values
    assert all(torch.equal(value, again.tensors[name]) for name, value in snapshot.tensors.items())


@pytest.mark.parametrize("change", VALUES)
def test_other_values_are_refused(
    begun: tuple[Callable[[], Training | Stack], Snapshot], change: str
) -> None:
    begin, snapshot = begun
    key = "history" if "history" in snapshot.values else "histories"
    (before, *others) = [snapshot.values[key]] if key == "history" else snapshot.values[key]
    odd = VALUES[change](before)
    wrong = [{**snapshot.values, key: odd if key == "history" else [odd, *others]}]
    if change != "one epoch more" and "metric" not in change and "place" not in change:
        wrong.append({**snapshot.values, "rule": VALUES[change](None) or None})
    for values in wrong:
        with pytest.raises(CheckpointError, match=r"^the checkpoint does not fit this config: (histor|rule)"):
            restore_from_file(begin(), Snapshot(snapshot.epoch, snapshot.tensors, values), FOLLOWED)


@pytest.mark.parametrize("change", TENSORS)
def test_other_tensors_are_refused(
    begun: tuple[Callable[[], Training | Stack], Snapshot], change: str
) -> None:
    begin, snapshot = begun
    for name, tensor in snapshot.tensors.items():
        odd = TENSORS[change](tensor)
        tensors = {each: value for each, value in snapshot.tensors.items() if each != name}
        if odd is None and name.startswith("store.kept."):
            continue  # there is no best epoch yet
        if odd is not None and (odd.shape, odd.dtype) == (tensor.shape, tensor.dtype):
            continue  # of no buffers two are as many
        if odd is not None:
            tensors[name] = odd
        with pytest.raises(
            CheckpointError, match=f"^the checkpoint does not fit this config: {name}: expects"
        ):
            restore_from_file(begin(), Snapshot(snapshot.epoch, tensors, snapshot.values), FOLLOWED)


@pytest.mark.parametrize("epoch", [0, -1, 3, 10**30])
def test_another_number_of_epochs_is_refused(
    begun: tuple[Callable[[], Training | Stack], Snapshot], epoch: int
) -> None:
    begin, snapshot = begun
    with pytest.raises(CheckpointError, match="history: is not that of"):
        restore_from_file(begin(), Snapshot(epoch, snapshot.tensors, snapshot.values), FOLLOWED)
