"""What a layer is."""

from typing import Protocol

from torch import Tensor

from runner.nn.store import ParameterStore
from runner.types import Shape


class ShapeError(ValueError):
    """A layer cannot take the shape that arrives; the message says which it would take."""


class Layer(Protocol):
    """A layer or a whole model.

    A layer's constructor takes a ``Scope`` to allocate its parameters in and the shape of one input
    sample; whatever a config may say about the layer follows as keyword-only arguments.

    A training step is recorded once and repeated: ``forward`` does the same to every batch of a size, with
    torch's operators, and keeps nothing in Python between calls.

    In a sweep it may be called once for several models (``torch.vmap``), each with parameters of its own.
    What it draws at random then differs from model to model, and from what a model would draw alone: a layer
    with randomness of its own promises the same distribution, not the same numbers, and says so.
    """

    out_shape: Shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The layer's output for a batch ``[N, *in_shape]``: ``[N, *out_shape]``."""
