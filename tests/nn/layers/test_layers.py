"""Every registered layer, and what a layer says of shapes."""

from collections.abc import Callable, Iterator
from inspect import signature
from math import cos, sin

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor, nn

from runner.nn.init import Normal
from runner.nn.layers.layer import Layer, ShapeError
from runner.nn.layers.linear import Linear
from runner.nn.store import Address, ParameterStore
from runner.registry import LAYERS
from tests.nn.layers.examples import EMBEDDINGS, SEQUENCE, TAKES_INDICES, example, samples
from tests.nn.layers.twins import BESIDE, NOT_OURS, OUR_OWN
from tests.nn.layers.twins import TWINS as BY_NAME


class States(nn.Module):
    """What a recurrent module says of every step, or its last states side by side."""

    def __init__(self, module: nn.RNNBase, last: bool = False) -> None:
        super().__init__()
        self.module, self.last = module, last

    def forward(self, x: Tensor) -> Tensor:
        output, state = self.module(x)
        return torch.cat([*state[-2:]], dim=1) if self.last else output


class Sum(nn.ModuleList):
    def forward(self, x: Tensor) -> Tensor:
        return sum((part(x) for part in self), torch.zeros((), dtype=x.dtype))


class Concatenation(nn.ModuleList):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self], dim=2)


class Square(nn.Bilinear):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x, x)


class OfIndices(nn.Embedding):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.long())


class CausalSelfAttention(nn.MultiheadAttention):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return super().forward(x, x, x, attn_mask=later, need_weights=False)[0]


class Waves(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        steps, width = x.shape[1:]
        for t in range(steps):
            for place in range(width):
                angle = t / 10000 ** (place // 2 * 2 / width)
                x = x + F.pad(
                    torch.tensor([[cos(angle) if place % 2 else sin(angle)]], dtype=x.dtype),
                    (place, width - place - 1, t, steps - t - 1),
                )
        return x


class Offset(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(SEQUENCE))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.offset


class Swap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def encoder_layer(norm_first: bool = False, activation: str = "relu") -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        6, 2, 5, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )


def linear(inputs: int = 3, outputs: int = 4, bias: bool = True) -> nn.Module:
    return nn.Linear(inputs, outputs, bias)


TWINS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(3, 4),
    "bilinear": lambda: Square(3, 3, 4),
    "embedding": lambda: OfIndices(EMBEDDINGS, 4),
    "conv1d": lambda: nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2),
    "conv2d": lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=(1, 0), groups=2),
    "conv3d": lambda: nn.Conv3d(2, 3, (2, 3, 2), stride=(1, 2, 1), padding=(0, 1, 0)),
    "conv_transpose2d": lambda: nn.ConvTranspose2d(
        2, 4, (3, 2), stride=2, padding=1, output_padding=(1, 0), groups=2
    ),
    "max_pool1d": lambda: nn.MaxPool1d(3, stride=2, padding=1),
    "max_pool2d": lambda: nn.MaxPool2d(3, stride=(2, 1), padding=1),
    "avg_pool1d": lambda: nn.AvgPool1d(3, stride=2, padding=1, count_include_pad=False),
    "avg_pool2d": lambda: nn.AvgPool2d((2, 3), padding=(1, 0)),
    "adaptive_avg_pool1d": lambda: nn.AdaptiveAvgPool1d(3),
    "adaptive_avg_pool2d": lambda: nn.AdaptiveAvgPool2d((2, 3)),
    "adaptive_max_pool1d": lambda: nn.AdaptiveMaxPool1d(3),
    "adaptive_max_pool2d": lambda: nn.AdaptiveMaxPool2d((2, 3)),
    "batch_norm1d": lambda: nn.BatchNorm1d(2),
    "batch_norm2d": lambda: nn.BatchNorm2d(2),
    "layer_norm": lambda: nn.LayerNorm(3),
    "group_norm": lambda: nn.GroupNorm(2, 4),
    "rms_norm": lambda: nn.RMSNorm(3),
    "dropout": lambda: nn.Dropout(0.3),
    "dropout2d": lambda: nn.Dropout2d(0.3),
    "rnn": lambda: States(
        nn.RNN(3, 4, 2, nonlinearity="relu", batch_first=True, bidirectional=True), last=True
    ),
    "lstm": lambda: States(nn.LSTM(3, 4, num_layers=2, batch_first=True)),
    "gru": lambda: States(nn.GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True)),
    "multi_head_attention": lambda: CausalSelfAttention(6, 2, batch_first=True),
    "transformer_encoder": lambda: nn.Sequential(encoder_layer(), encoder_layer()),
    "sinusoidal_encoding": Waves,
    "learned_encoding": Offset,
    "flatten": nn.Flatten,
    "reshape": lambda: nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 2))),
    "permute": Swap,
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "prelu": lambda: nn.PReLU(2),
    "elu": nn.ELU,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "sigmoid": nn.Sigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "tanhshrink": nn.Tanhshrink,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "softshrink": nn.Softshrink,
    "hardshrink": nn.Hardshrink,
    "hardtanh": nn.Hardtanh,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "softmax": lambda: nn.Softmax(1),
    "log_softmax": lambda: nn.LogSoftmax(-1),
    "glu": nn.GLU,
    "sequential": lambda: nn.Sequential(linear(), nn.Tanh()),
    "repeat": lambda: nn.Sequential(linear(), linear(4, 3), linear(), linear(4, 3)),
    "residual": lambda: Sum([nn.Sequential(linear(), nn.Tanh()), linear(bias=False)]),
    "parallel": lambda: Concatenation([linear(), nn.Tanh()]),
    "share": nn.Tanh,
}

MODULES = BY_NAME | BESIDE

LAID_OUT_AS_IN_TORCH = ("embedding", "learned_encoding")
"""Whose ``W`` has two dimensions and is not that of a linear map, which torch has as [out, in]."""


@pytest.fixture(autouse=True)
def _draws_of_its_own() -> Iterator[None]:
    """Torch's own generator, from which twins draw, is what it was afterwards."""
    with torch.random.fork_rng(devices=[]):
        yield


def built(name: str) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = example(name, store.scope("layer"))
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    store.generator = torch.Generator().manual_seed(2)
    return layer, store


def batch(name: str, seed: int = 1) -> Tensor:
    x = samples(name, torch.Generator().manual_seed(seed), 5).double()
    return x.requires_grad_(name not in TAKES_INDICES)


def as_torch(name: str, address: Address, mine: Tensor, theirs: Tensor) -> Tensor:
    """Torch lays the weight of a linear map out [out, in], and its bias [out]."""
    map_of = address.name.endswith(".W") and mine.dim() == 2 and name not in LAID_OUT_AS_IN_TORCH
    return (mine.T if map_of else mine).reshape(theirs.shape).clone()


def pairs(store: ParameterStore, twin: nn.Module) -> list[tuple[Address, Tensor]]:
    trained = [address for address in store.addresses.values() if address.trained]
    return list(zip(trained, twin.parameters(), strict=True))


def twin_of(name: str, store: ParameterStore) -> nn.Module:
    """Torch's, with the same parameters, drawing the same random numbers."""
    twin = TWINS[name]().double()
    values = store.named_parameters()
    for address, theirs in pairs(store, twin):
        theirs.data = as_torch(name, address, values[address.name], theirs)
    torch.manual_seed(2)
    return twin


@pytest.mark.parametrize("name", LAYERS)
def test_matches_pytorch(name: str) -> None:
    layer, store = built(name)
    twin = twin_of(name, store)
    x, twin_x = batch(name), batch(name)
    output, expected = layer.forward(store, x), twin(twin_x)
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12)
    torch.autograd.backward(output.square().sum())
    torch.autograd.backward(expected.square().sum())
    torch.testing.assert_close(x.grad, twin_x.grad, rtol=1e-10, atol=1e-12)
    for address, theirs in pairs(store, twin):
        grad = store[address].grad
        assert grad is not None
        torch.testing.assert_close(as_torch(name, address, grad, theirs), theirs.grad, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_predicts_as_pytorch_does_after_a_batch_of_training(name: str) -> None:
    layer, store = built(name)
    twin = twin_of(name, store)
    layer.forward(store, batch(name, 3))
    twin(batch(name, 3))
    twin.eval()
    with store.evaluating():
        torch.testing.assert_close(
            layer.forward(store, batch(name)), twin(batch(name)), rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_function(name: str) -> None:
    layer, store = built(name)
    leaves = [store[address] for address in store.addresses.values() if address.trained]

    def forward(x: Tensor, *_: Tensor) -> Tensor:
        assert store.generator is not None
        store.generator.manual_seed(2)
        return layer.forward(store, x)

    assert torch.autograd.gradcheck(forward, (batch(name), *leaves))


@pytest.mark.parametrize("name", LAYERS)
def test_the_output_has_the_shape_that_was_told(name: str) -> None:
    layer, store = built(name)
    assert layer.forward(store, batch(name)).shape == (5, *layer.out_shape)


@pytest.mark.parametrize("name", MODULES)
def test_a_layer_takes_its_modules_arguments(name: str) -> None:
    module = getattr(nn, MODULES[name])
    classes = [
        kind for kind in module.__mro__ if kind.__init__ is module.__init__ or issubclass(kind, nn.RNNBase)
    ]
    theirs = {each for kind in classes for each in signature(kind.__init__).parameters}
    theirs -= {"self", "args", "kwargs", "mode"}
    taken = {each for each in theirs if each not in NOT_OURS and f"{each} of {name}" not in NOT_OURS}
    assert taken <= signature(LAYERS[name]).parameters.keys()


def test_every_layer_has_a_module_or_is_known_to_be_our_own() -> None:
    assert {*MODULES, *OUR_OWN} == {*LAYERS}


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
