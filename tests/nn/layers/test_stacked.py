"""Every registered layer trains stacked as it trains alone, or it is known why it can't."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from runner.engine.capture import Captured
from runner.nn.init import Fans, Normal
from runner.nn.layers.layer import Layer
from runner.nn.stacked_store import stacked
from runner.nn.store import ParameterStore
from runner.registry import LAYERS
from tests.nn.layers.examples import IN_SHAPES, SEQUENCE, TAKES_INDICES, example, samples

MEMBERS, CPU = 3, torch.device("cpu")

NOT_STACKED = dict.fromkeys(("rnn", "lstm", "gru"), "Batching rule not implemented")
"""Layers that torch can't call for several models at once, and what it says."""

DRAWS = ("dropout", "dropout2d")
"""Layers that draw other numbers in a stack."""


class Scaled:
    """A layer that is fed with ``W x``, so that every model has something to train."""

    def __init__(self, name: str, store: ParameterStore) -> None:
        self.indices = name in TAKES_INDICES
        shape = IN_SHAPES.get(name, SEQUENCE)
        self.W = store.allocate("W", shape, lambda W, g: Normal().weight(W, Fans(1, 1), g))
        self.layer: Layer = example(name, store.scope("layer"))
        self.out_shape = self.layer.out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        return self.layer.forward(store, x if self.indices else x * store[self.W])


def members(name: str) -> tuple[Scaled, list[ParameterStore]]:
    stores = [ParameterStore() for _ in range(MEMBERS)]
    layers = [Scaled(name, store) for store in stores]
    for seed, store in enumerate(stores):
        store.seal(torch.Generator().manual_seed(seed), dtype=torch.float64)
    return layers[0], stores


def after_training(store: ParameterStore, loss: Callable[[Tensor], Tensor], batches: Tensor) -> None:
    """Three steps of gradient descent, recorded once and replayed."""

    def learn(x: Tensor) -> None:
        store.backward(loss(x))
        store.params.sub_(store.grads, alpha=0.1)

    step, buffer = Captured(learn, CPU), torch.empty_like(batches[0])
    for batch in batches:
        step(buffer.copy_(batch))


def trained_alone(model: Scaled, store: ParameterStore, batches: Tensor) -> None:
    after_training(store, lambda x: model.forward(store, x).square().mean(), batches)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_STACKED and name not in DRAWS])
def test_what_is_learnt_stacked_is_what_each_member_learns_alone(name: str) -> None:
    model, stores = members(name)
    stack = stacked(stores)
    batches = samples(name, torch.Generator().manual_seed(1), 3, MEMBERS, 5).double()

    def loss(x: Tensor) -> Tensor:
        return stack.over_members(lambda own: model.forward(stack, own).square().mean(), x).sum()

    before = stack.params.clone()
    after_training(stack, loss, batches)
    assert not torch.equal(stack.params, before)
    held_out = samples(name, torch.Generator().manual_seed(2), 4).double()
    with stack.evaluating(), torch.inference_mode():
        predictions = stack.over_members(lambda x: model.forward(stack, x), held_out, shared=True)
    for place, store in enumerate(stores):
        trained_alone(model, store, batches[:, place])
        torch.testing.assert_close(stack.params[place], store.params, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(stack.buffers[place], store.buffers, rtol=1e-10, atol=1e-12)
        with store.evaluating():
            expected = model.forward(store, held_out)
        torch.testing.assert_close(predictions[place], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NOT_STACKED)
def test_what_cannot_be_stacked_says_so(name: str) -> None:
    model, stores = members(name)
    stack = stacked(stores)
    x = samples(name, torch.Generator().manual_seed(1), MEMBERS, 5).double()
    with pytest.raises(RuntimeError, match=NOT_STACKED[name]):
        stack.over_members(lambda own: model.forward(stack, own), x)


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_drawn_in_a_stack_is_each_members_own_and_of_the_same_distribution(name: str) -> None:
    layers, stores = zip(*[alone(name) for _ in range(MEMBERS)], strict=True)
    stack = stacked(stores)
    stack.generator = torch.Generator().manual_seed(0)
    ones = torch.ones(MEMBERS, 400, *IN_SHAPES.get(name, SEQUENCE))
    drawn = stack.over_members(lambda x: layers[0].forward(stack, x), ones)
    assert not torch.equal(drawn[0], drawn[1])
    torch.testing.assert_close(torch.unique(drawn), torch.tensor([0, 1 / 0.7]))
    for member in drawn:
        assert member.mean().item() == pytest.approx(1, abs=0.1)


def alone(name: str) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = example(name, store.scope("layer"))
    store.seal(torch.Generator())
    return layer, store
