"""Layers that only change how values are laid out."""

from math import prod
from typing import Literal

from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class Flatten:
    """Neighbouring dimensions in one: ``[N, 1, 28, 28]`` becomes ``[N, 784]``.

    Args:
        scope: unused, there are no parameters.
        in_shape: the shape of one sample.
        start_dim: the first dimension to merge; as in torch the batch is 0, so a sample's are 1, 2, …
        end_dim: the last one; -1 is the sample's last.

    Raises:
        ShapeError: if the sample has no such dimensions.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        start_dim: PositiveInt = 1,
        end_dim: PositiveInt | Literal[-1] = -1,
    ) -> None:
        last = len(in_shape) if end_dim == -1 else end_dim
        if not start_dim <= last <= len(in_shape):
            raise ShapeError(
                f"merges dimensions {start_dim} to {end_dim}, gets {len(in_shape)}: {list(in_shape)}"
            )
        self.start_dim, self.end_dim = start_dim, end_dim
        merged = prod(in_shape[start_dim - 1 : last])
        self.out_shape: Shape = (*in_shape[: start_dim - 1], merged, *in_shape[last:])

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, …]`` to ``[N, *out_shape]``."""
        return x.flatten(self.start_dim, self.end_dim)
