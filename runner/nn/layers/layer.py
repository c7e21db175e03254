"""What a layer is."""

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from runner.nn.store import ParameterStore, Scope
from runner.types import Shape


class ShapeError(ValueError):
    """A layer cannot take what arrives.

    Args:
        told: what it would take and what it gets.
        place: which layer, as a path from where the error is caught: ``block.layers.conv``.
        before: which layer gives what arrives, likewise; empty if that is not known yet.
    """

    def __init__(self, told: str, place: str = "", before: str = "") -> None:
        super().__init__(told)
        self.told, self.place, self.before = told, place, before

    def seen_from(self, place: str, before: str, origin: str) -> "ShapeError":
        """The same error, seen from the layer around.

        Args:
            place: where in that layer the one is that raised it.
            before: what feeds that one, if it is not known yet; empty if it is what feeds the layer around.
            origin: where in that layer its inner paths begin.
        """
        inner = f"{place}.{self.place}" if self.place else place
        fed_by = f"{origin}.{self.before}" if self.before else before
        return ShapeError(self.told, inner, fed_by)


class Layer(Protocol):
    """A layer or a whole model.

    A layer's constructor takes a ``Scope`` to allocate its parameters in and the shape of one input
    sample; whatever a config may say about the layer follows as keyword-only arguments.

    A training step is recorded once and repeated: ``forward`` does the same to every batch of a size, with
    torch's operators, and keeps nothing in Python between calls. What it keeps is in the store
    (``Scope.allocate_buffer``); ``store.training`` says whether it is to learn or to predict.

    In a sweep it may be called once for several models (``torch.vmap``), each with parameters of its own.
    What it draws at random then differs from model to model, and from what a model would draw alone: a layer
    with randomness of its own, which it takes from ``store.generator``, promises the same distribution, not
    the same numbers, and says so.
    """

    out_shape: Shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The layer's output for a batch ``[N, *in_shape]``: ``[N, *out_shape]``."""


Build = Callable[[Scope, Shape], Layer]
"""What makes a layer of a config's words: where its parameters go, and the shape of one input sample."""

Layers = Mapping[str, Build]
"""Named layers, of which others are made."""
