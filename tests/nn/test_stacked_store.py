"""K stores in one: each member's parameters are its own, and one call serves them all."""

import pytest
import torch
from torch import Tensor

from runner.nn.init import Default
from runner.nn.layers.linear import Linear
from runner.nn.stacked_store import stacked
from runner.nn.store import ParameterStore


def members(count: int = 3) -> tuple[Linear, list[ParameterStore]]:
    stores = [ParameterStore() for _ in range(count)]
    layers = [Linear(store.scope("l1"), (4,), out_features=2, init=Default()) for store in stores]
    for seed, store in enumerate(stores):
        store.seal(torch.Generator().manual_seed(seed))
    return layers[0], stores


def test_a_row_is_a_member() -> None:
    _, stores = members()
    stack = stacked(stores)
    assert len(stack) == 3
    assert stack.params.shape == stack.grads.shape == (3, stores[0].size)
    for row, store in zip(stack.params, stores, strict=True):
        assert torch.equal(row, store.params)


def test_members_keep_their_own_values() -> None:
    _, stores = members()
    before = stores[0].params.clone()
    stacked(stores).params.zero_()
    assert torch.equal(stores[0].params, before)


def test_parameters_by_name_are_those_of_all_members() -> None:
    _, stores = members()
    named = stacked(stores).named_parameters()
    assert {name: tuple(value.shape) for name, value in named.items()} == {
        "l1.W": (3, 4, 2),
        "l1.b": (3, 1, 2),
    }
    assert torch.equal(named["l1.W"][1], stores[1].named_parameters()["l1.W"])


@pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])
def test_a_layer_is_called_once_for_all_members(shared: bool) -> None:
    layer, stores = members()
    stack = stacked(stores)
    calls = []

    def forward(x: Tensor) -> Tensor:
        calls.append(stack[layer.W].shape)
        return layer.forward(stack, x)

    x = torch.randn(5, 4) if shared else torch.randn(3, 5, 4)
    out = stack.over_members(forward, x, shared=shared)
    assert calls == [(4, 2)], "the address's own shape"
    for place, store in enumerate(stores):
        torch.testing.assert_close(out[place], layer.forward(store, x if shared else x[place]))


def test_gradients_of_a_sum_of_losses_are_each_members_own() -> None:
    layer, stores = members()
    stack = stacked(stores)
    x = torch.randn(3, 5, 4)
    stack.backward(stack.over_members(lambda x: layer.forward(stack, x).square().sum(), x).sum())
    for place, store in enumerate(stores):
        store.backward(layer.forward(store, x[place]).square().sum())
        torch.testing.assert_close(stack.grads[place], store.grads)


def test_a_call_that_fails_leaves_the_store_usable() -> None:
    layer, stores = members()
    stack = stacked(stores)
    with pytest.raises(RuntimeError):
        stack.over_members(lambda x: layer.forward(stack, x), torch.randn(3, 5, 9))
    assert stack[layer.W].shape == (3, 4, 2)
    assert stack.over_members(lambda x: layer.forward(stack, x), torch.randn(3, 5, 4)).shape == (3, 5, 2)


def test_some_members_make_a_stack_of_their_own() -> None:
    layer, stores = members()
    stack = stacked(stores)
    fewer = stack.rows([2, 0])
    assert torch.equal(fewer.params[0], stores[2].params)
    assert fewer[layer.W].shape == (2, 4, 2)


def test_random_operators_differ_between_members() -> None:
    _, stores = members(2)
    stack = stacked(stores)
    noise = stack.over_members(lambda x: x + torch.rand(x.shape), torch.zeros(2, 8))
    assert not torch.equal(noise[0], noise[1])
