"""Layers one after another: what a model is made of."""

from collections.abc import Mapping

from torch import Tensor

from runner.nn.layers.layer import Layer
from runner.nn.store import ParameterStore


class Sequential:
    """Named layers, each fed with the output of the one before; at least one."""

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)
        self.out_shape = list(self.layers.values())[-1].out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The last layer's output for a batch of the first layer's inputs."""
        for layer in self.layers.values():
            x = layer.forward(store, x)
        return x
