"""Computing with fewer bits than parameters have."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from runner.nn.layers.layer import Layer
from runner.nn.missing_bf16 import Float32ForMissing
from runner.nn.store import ParameterStore
from runner.types import Precision, Shape


class BFloat16:
    """A model that computes in bfloat16 where torch's autocast does, and gives float32.

    Matrix products and convolutions take bfloat16; parameters, their gradients, and what loses too much by
    it stay float32, as do operators that a CPU has in float32 alone. See torch's "Automatic Mixed Precision".
    """

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.out_shape: Shape = layer.out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The layer's output for a batch ``[N, *in_shape]``."""
        without = Float32ForMissing() if x.device.type == "cpu" else nullcontext()
        with torch.autocast(x.device.type, torch.bfloat16), without:
            return self.layer.forward(store, x).float()


def at_precision(model: Layer, precision: Precision) -> Layer:
    """The model as it computes at a precision."""
    return BFloat16(model) if precision == "bf16" else model


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Let NVIDIA GPUs round the factors of float32 products to 10 bits of mantissa, or not, for a while."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = allowed
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before
