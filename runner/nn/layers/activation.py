"""Elementwise non-linearities: no parameters, the shape stays."""

import torch
from torch import Tensor

from runner.nn.store import ParameterStore, Scope
from runner.types import Shape


class Activation:
    """What all activations share: whatever shape comes in goes out."""

    def __init__(self, scope: Scope, in_shape: Shape) -> None:
        self.out_shape = in_shape


class ReLU(Activation):
    """max(x, 0)."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """Elementwise over any shape."""
        return torch.relu(x)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """Elementwise over any shape."""
        return torch.sigmoid(x)


class Tanh(Activation):
    """The hyperbolic tangent."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """Elementwise over any shape."""
        return torch.tanh(x)
