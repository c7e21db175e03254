"""A non-linearity that is trained."""

import torch
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import Dim, Shape


class PReLU:
    """max(x, 0) + W min(x, 0) (He et al., 2015): ``W`` [1], or [channels] along the first dimension.

    Args:
        scope: where ``W`` is allocated.
        in_shape: any; its first size counts the channels.
        num_parameters: 1 for all channels, or -1 (or their number) for each its own.
        init: the first value of ``W``.

    Raises:
        ShapeError: if ``num_parameters`` is neither.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, num_parameters: Dim = 1, init: float = 0.25) -> None:
        channels = in_shape[0] if in_shape else 1
        if num_parameters not in (-1, 1, channels):
            raise ShapeError(f"expects {num_parameters} channels, gets {list(in_shape)}")

        def fill(W: Tensor, _: torch.Generator) -> None:
            W.fill_(init)

        self.W = scope.allocate("W", (channels if num_parameters == -1 else num_parameters,), fill)
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        slope = store[self.W].reshape(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slope * x)  # as F.prelu, whose kernel minds inputs that a stack shares
