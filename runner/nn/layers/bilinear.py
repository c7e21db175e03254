"""A map of products of inputs."""

import torch
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class Bilinear:
    """``x^T W_k x + b_k`` for each output k, over the last dimension: ``torch.nn.Bilinear`` of x and x.

    ``W`` [out_features, in_features, in_features], ``b`` [out_features].

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: the shape of one sample; its last size is the layer's width.
        out_features: the number of outputs.
        in_features: what the width has to be; inferred where it is left out.
        bias: whether there is a ``b``.
        init: how ``W`` and ``b`` get their first values. As in torch, fan_in is ``in_features``.

    Raises:
        ShapeError: if ``in_features`` is not the width that arrives.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        out_features: PositiveInt,
        in_features: PositiveInt | None = None,
        bias: bool = True,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        if not in_shape:
            raise ShapeError("expects at least one dimension a sample, gets a single number")
        width = in_shape[-1]
        if in_features is not None and in_features != width:
            raise ShapeError(f"expects {in_features} inputs, gets {width}")
        fans, shape = Fans(width, out_features), (out_features, width, width)
        self.W = scope.allocate("W", shape, lambda W, g: init.weight(W, fans, g))
        self.b = scope.allocate("b", (out_features,), lambda b, g: init.bias(b, fans, g)) if bias else None
        self.out_shape: Shape = (*in_shape[:-1], out_features)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, …, in_features]`` to ``[N, …, out_features]``."""
        products = torch.einsum("...i, kij, ...j -> ...k", x, store[self.W], x)  # F.bilinear can't be stacked
        return products if self.b is None else products + store[self.b]
