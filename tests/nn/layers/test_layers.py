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
from tests.nn.layers.examples import IN_SHAPES, SEQUENCE, example


class LSTMSequence(nn.LSTM):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        output, _ = super().forward(x)
        return output


class Sum(nn.ModuleList):
    def forward(self, x: Tensor) -> Tensor:
        return sum((part(x) for part in self), torch.zeros((), dtype=x.dtype))


class Concatenation(nn.ModuleList):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self], dim=2)


def linear(inputs: int = 3, outputs: int = 4, bias: bool = True) -> nn.Module:
    return nn.Linear(inputs, outputs, bias, dtype=torch.float64)


TWINS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(3, 4, dtype=torch.float64),
    "conv2d": lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), groups=2, dtype=torch.float64),
    "max_pool2d": lambda: nn.MaxPool2d(3, stride=(2, 1), padding=1),
    "lstm": lambda: LSTMSequence(3, 4, num_layers=2, batch_first=True, dtype=torch.float64),
    "flatten": nn.Flatten,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "sequential": lambda: nn.Sequential(linear(), nn.Tanh()),
    "repeat": lambda: nn.Sequential(linear(), linear(4, 3), linear(), linear(4, 3)),
    "residual": lambda: Sum([nn.Sequential(linear(), nn.Tanh()), linear(bias=False)]),
    "parallel": lambda: Concatenation([linear(), nn.Tanh()]),
    "share": nn.Tanh,
}


def built(name: str) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = example(name, store.scope("layer"))
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    return layer, store


def batch(name: str) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    shape = IN_SHAPES.get(name, SEQUENCE)
    return torch.randn(5, *shape, dtype=torch.float64, generator=generator, requires_grad=True)


def as_torch(mine: Tensor, theirs: Tensor) -> Tensor:
    """Torch lays the weight of a linear layer out [out, in], and its bias [out]."""
    return (mine if mine.shape == theirs.shape else mine.T.reshape(theirs.shape)).clone()


@pytest.mark.parametrize("name", LAYERS)
def test_matches_pytorch(name: str) -> None:
    layer, store = built(name)
    twin = TWINS[name]()
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = as_torch(mine, theirs)
    x, twin_x = batch(name), batch(name)
    output, expected = layer.forward(store, x), twin(twin_x)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12)
    torch.autograd.backward(output.square().sum())
    torch.autograd.backward(expected.square().sum())
    torch.testing.assert_close(x.grad, twin_x.grad, rtol=1e-10, atol=1e-12)
    for address, theirs in zip(store.addresses.values(), twin.parameters(), strict=True):
        grad = store[address].grad
        assert grad is not None
        torch.testing.assert_close(as_torch(grad, theirs), theirs.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_function(name: str) -> None:
    layer, store = built(name)
    leaves = [store[address] for address in store.addresses.values()]
    assert torch.autograd.gradcheck(lambda x, *_: layer.forward(store, x), (batch(name), *leaves))


@pytest.mark.parametrize("name", LAYERS)
def test_the_output_has_the_shape_that_was_told(name: str) -> None:
    layer, store = built(name)
    assert layer.forward(store, batch(name)).shape == (5, *layer.out_shape)


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
