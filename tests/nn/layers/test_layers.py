"""Every registered layer, and what a layer says of shapes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from runner.nn.init import Normal
from runner.nn.layers.layer import Layer, ShapeError
from runner.nn.layers.linear import Linear
from runner.nn.store import ParameterStore
from runner.registry import LAYERS

IN_SHAPE = (2, 3)

ARGUMENTS: dict[str, dict[str, object]] = {"linear": {"out_features": 4}}

TWINS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(3, 4, dtype=torch.float64),
    "flatten": nn.Flatten,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def built(name: str) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = LAYERS[name](store.scope("layer"), IN_SHAPE, **ARGUMENTS.get(name, {}))
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    return layer, store


def batch() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(5, *IN_SHAPE, dtype=torch.float64, generator=generator, requires_grad=True)


@pytest.mark.parametrize("name", LAYERS)
def test_matches_pytorch(name: str) -> None:
    layer, store = built(name)
    twin = TWINS[name]()
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = mine.T.reshape(theirs.shape).clone()  # torch lays a weight out [out, in]
    x, twin_x = batch(), batch()
    output, expected = layer.forward(store, x), twin(twin_x)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12)
    torch.autograd.backward(output.square().sum())
    torch.autograd.backward(expected.square().sum())
    torch.testing.assert_close(x.grad, twin_x.grad, rtol=1e-10, atol=1e-12)
    for address, theirs in zip(store.addresses.values(), twin.parameters(), strict=True):
        grad = store[address].grad
        assert grad is not None
        torch.testing.assert_close(grad.T.reshape(theirs.shape), theirs.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_function(name: str) -> None:
    layer, store = built(name)
    leaves = [store[address] for address in store.addresses.values()]
    assert torch.autograd.gradcheck(lambda x, *_: layer.forward(store, x), (batch(), *leaves))


@pytest.mark.parametrize("name", LAYERS)
def test_the_output_has_the_shape_that_was_told(name: str) -> None:
    layer, store = built(name)
    assert layer.forward(store, batch()).shape == (5, *layer.out_shape)


def test_linear_takes_its_width_from_what_arrives() -> None:
    store = ParameterStore()
    Linear(store.scope("l1"), (7,), out_features=2)
    assert store.addresses["l1.W"].shape == (7, 2)
    assert store.addresses["l1.b"].shape == (1, 2)


def test_linear_refuses_another_width_than_it_was_told() -> None:
    with pytest.raises(ShapeError, match="expects 784 inputs, gets 7"):
        Linear(ParameterStore().scope("l1"), (7,), out_features=2, in_features=784)
    with pytest.raises(ShapeError, match="gets a single number"):
        Linear(ParameterStore().scope("l1"), (), out_features=2)


def test_linear_without_bias_has_a_weight_alone() -> None:
    store = ParameterStore()
    layer = Linear(store.scope("l1"), (2,), out_features=2, bias=False, init=Normal(std=1))
    store.seal(torch.Generator())
    assert list(store.addresses) == ["l1.W"]
    x = torch.randn(4, 2)
    torch.testing.assert_close(layer.forward(store, x), x @ store.named_parameters()["l1.W"])
