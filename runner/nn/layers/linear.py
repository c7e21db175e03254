"""The affine map."""

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class Linear:
    """``x W + b`` over the last dimension: ``W`` [in_features, out_features], ``b`` [1, out_features].

    Args:
        scope: where ``W`` and ``b`` are allocated.
        in_shape: the shape of one sample; its last size is the layer's width.
        out_features: the number of outputs.
        in_features: what the width has to be; inferred where it is left out.
        bias: whether there is a ``b``.
        init: how ``W`` and ``b`` get their first values.

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
        fans = Fans(width, out_features)
        self.W = scope.allocate("W", (width, out_features), lambda W, g: init.weight(W, fans, g))
        self.b = scope.allocate("b", (1, out_features), lambda b, g: init.bias(b, fans, g)) if bias else None
        self.out_shape = (*in_shape[:-1], out_features)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, …, in_features]`` to ``[N, …, out_features]``."""
        return F.linear(x, store[self.W].t(), None if self.b is None else store[self.b])
