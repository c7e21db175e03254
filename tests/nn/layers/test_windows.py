"""What windows see beyond an image is torch's: of convolutions and poolings, alone, stacked and replayed."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from runner.engine.capture import Captured
from runner.nn.layers.convolution import Conv2d
from runner.nn.layers.layer import Layer
from runner.nn.stacked_store import stacked
from runner.nn.store import ParameterStore
from runner.registry import LAYERS

CONVOLUTIONS = {
    "conv1d": (nn.Conv1d, (2, 7)),
    "conv2d": (nn.Conv2d, (2, 6, 5)),
    "conv3d": (nn.Conv3d, (2, 3, 4, 5)),
}
POOLINGS = {
    "max_pool1d": (nn.MaxPool1d, (2, 7)),
    "max_pool2d": (nn.MaxPool2d, (2, 7, 6)),
    "avg_pool1d": (nn.AvgPool1d, (2, 7)),
    "avg_pool2d": (nn.AvgPool2d, (2, 7, 6)),
}
MODES = ("zeros", "reflect", "replicate", "circular")
PADDED = [*product(CONVOLUTIONS, MODES, (1, "same", "valid"))]

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")  # torch's own remark on even filters


def built(name: str, shape: tuple[int, ...], arguments: dict[str, Any]) -> tuple[Layer, ParameterStore]:
    store = ParameterStore()
    layer = LAYERS[name](store.scope(), shape, **arguments)
    store.seal(torch.Generator().manual_seed(0), dtype=torch.float64)
    return layer, store


def images(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def check(layer: Layer, store: ParameterStore, twin: nn.Module, x: Tensor) -> None:
    """Outputs, and gradients by the images and all parameters."""
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    output, expected = layer.forward(store, ours), twin(theirs)
    assert output.shape[1:] == layer.out_shape
    torch.testing.assert_close(output, expected, rtol=1e-10, atol=1e-12)
    torch.autograd.backward(output.square().sum())
    torch.autograd.backward(expected.square().sum())
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)
    grads = [store[address].grad for address in store.addresses.values()]
    torch.testing.assert_close(grads, [each.grad for each in twin.parameters()], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "mode", "padding"), PADDED)
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_what_is_added_around_an_image_is_torchs(
    name: str, mode: str, padding: object, kernel_size: int
) -> None:
    kind, shape = CONVOLUTIONS[name]
    arguments: dict[str, Any] = {"kernel_size": kernel_size, "padding": padding, "padding_mode": mode}
    layer, store = built(name, shape, arguments | {"out_channels": 3})
    twin = kind(2, 3, **arguments).double()
    for mine, theirs in zip(store.named_parameters().values(), twin.parameters(), strict=True):
        theirs.data = mine.detach().clone()
    check(layer, store, twin, images(4, *shape))


@pytest.mark.parametrize("mode", MODES)
def test_it_is_added_in_a_recorded_stack_too(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    stores = [ParameterStore() for _ in range(3)]
    arguments: dict[str, Any] = {"out_channels": 2, "kernel_size": 2, "padding": "same", "padding_mode": mode}
    layer, *_ = (Conv2d(store.scope(), (2, 6, 5), **arguments) for store in stores)
    for seed, store in enumerate(stores):
        store.seal(torch.Generator().manual_seed(seed), dtype=torch.float64)
    stack, batches = stacked(stores), images(2, 3, 4, 2, 6, 5)

    def learn(x: Tensor) -> None:
        losses = stack.over_members(lambda own: layer.forward(stack, own).square().mean(), x)
        stack.backward(losses.sum())

    step, buffer = Captured(learn, torch.device("cpu")), torch.empty_like(batches[0])
    for batch in batches:
        step(buffer.copy_(batch))
    for place, store in enumerate(stores):
        store.backward(layer.forward(store, batches[-1, place]).square().mean())
        torch.testing.assert_close(stack.grads[place], store.grads, rtol=1e-9, atol=1e-12)
    assert "cannot be captured" not in caplog.text


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_a_last_window_may_reach_beyond_the_image(name: str, stride: int, padding: int) -> None:
    kind, shape = POOLINGS[name]
    for kernel_size in (2, 3, 4):
        arguments = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": True}
        check(*built(name, shape, arguments), kind(**arguments), images(4, *shape))
