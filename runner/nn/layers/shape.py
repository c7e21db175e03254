"""Layers that only change how values are laid out."""

from math import prod

from torch import Tensor

from runner.nn.store import ParameterStore, Scope
from runner.types import Shape


class Flatten:
    """Everything but the batch dimension in one: ``[N, 1, 28, 28]`` becomes ``[N, 784]``."""

    def __init__(self, scope: Scope, in_shape: Shape) -> None:
        self.out_shape: Shape = (prod(in_shape),)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, …]`` to ``[N, product]``."""
        return x.flatten(1)
