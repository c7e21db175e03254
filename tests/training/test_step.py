"""A step of several batches is that of one large batch."""

import pytest
import torch
from torch import Tensor

from runner.nn.losses import MSE, CrossEntropy, Loss
from runner.nn.store import ParameterStore
from runner.training.step import Step


def ones(entry: Tensor, _: torch.Generator) -> None:
    entry.fill_(1.0)


def sealed() -> ParameterStore:
    store = ParameterStore()
    store.allocate("w", (3,), ones)
    store.seal(torch.Generator())
    return store


def updates(sizes: list[int], accumulate: int) -> list[Tensor]:
    """The gradient at each update, over two epochs of batches of random numbers."""
    store, seen = sealed(), []
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(sum(sizes), 3, generator=generator)
    address = store.addresses["w"]

    def learn(inputs: Tensor, _: Tensor) -> None:
        store.backward((inputs * store[address]).sum(-1).square().mean())

    step = Step(learn, lambda: seen.append(store.grads.clone()), store, MSE(), len(sizes), accumulate)
    assert step.updates == -(-len(sizes) // accumulate)
    for _ in range(2):
        for batch in torch.split(rows, sizes):
            step(batch.clone(), torch.zeros(len(batch)))
    return seen


@pytest.mark.parametrize(
    ("sizes", "accumulate", "large"), [([4, 4, 4, 4], 2, [8, 8]), ([4, 4, 3], 2, [8, 3])]
)
def test_accumulated_gradients_are_those_of_one_large_batch(
    sizes: list[int], accumulate: int, large: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "runner.training.step.Captured", lambda function, *_: function
    )  # updates are looked at
    few, many = updates(large, 1), updates(sizes, accumulate)
    assert len(few) == len(many) == 4
    for mine, theirs in zip(many, few, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_with_class_weights_it_is_the_gradient_of_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.training.step.Captured", lambda function, *_: function)
    store, seen = sealed(), []
    loss: Loss = CrossEntropy(weight=(5.0, 1.0, 0.5))
    address = store.addresses["w"]
    inputs = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 0, 0, 1, 1, 2, 2])

    def learn(inputs: Tensor, targets: Tensor) -> None:
        store.backward(loss(inputs * store[address], targets))

    step = Step(learn, lambda: seen.append(store.grads.clone()), store, loss, 3, accumulate=3)
    for part in (slice(0, 3), slice(3, 6), slice(6, 7)):
        step(inputs[part], targets[part])
    learn(inputs, targets)
    torch.testing.assert_close(seen, [store.grads])
