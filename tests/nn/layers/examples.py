"""An example of every registered layer: what it is told and what arrives."""

from functools import partial

from runner.nn.layers.activation import Tanh
from runner.nn.layers.layer import Layer
from runner.nn.layers.linear import Linear
from runner.nn.store import Scope
from runner.registry import LAYERS

SEQUENCE, IMAGE = (2, 3), (2, 5, 6)

IN_SHAPES: dict[str, tuple[int, ...]] = {"conv2d": IMAGE, "max_pool2d": IMAGE}

ARGUMENTS: dict[str, dict[str, object]] = {
    "linear": {"out_features": 4},
    "conv2d": {"out_channels": 4, "kernel_size": (3, 2), "stride": 2, "padding": (1, 0), "groups": 2},
    "max_pool2d": {"kernel_size": 3, "stride": (2, 1), "padding": 1},
    "lstm": {"hidden_size": 4, "num_layers": 2, "output": "sequence"},
    "sequential": {"layers": {"a": partial(Linear, out_features=4), "b": Tanh}},
    "repeat": {
        "n": 2,
        "layers": {"a": partial(Linear, out_features=4), "b": partial(Linear, out_features=3)},
    },
    "residual": {
        "layers": {"a": partial(Linear, out_features=4), "b": Tanh},
        "projection": partial(Linear, out_features=4, bias=False),
    },
    "parallel": {"branches": {"a": partial(Linear, out_features=4), "b": Tanh}, "dim": 2},
    "share": {"of": "earlier"},
}


def example(name: str, scope: Scope, shape: tuple[int, ...] | None = None) -> Layer:
    """The layer, built for its own kind of samples or for another."""
    in_shape = shape or IN_SHAPES.get(name, SEQUENCE)
    scope.built["earlier"] = (Tanh(scope, in_shape), in_shape)  # for a layer that shares it
    return LAYERS[name](scope, in_shape, **ARGUMENTS.get(name, {}))
