"""An example of every registered layer: what it is told and what arrives."""

from functools import partial

import torch
from torch import Tensor

from runner.nn.layers.activation import Tanh
from runner.nn.layers.layer import Layer
from runner.nn.layers.linear import Linear
from runner.nn.store import Scope
from runner.registry import LAYERS

SEQUENCE, IMAGE, CHANNELS, VOLUME = (2, 3), (2, 5, 6), (2, 7), (2, 3, 4, 3)
EMBEDDINGS = 7

IN_SHAPES: dict[str, tuple[int, ...]] = {
    "embedding": (3,),
    "conv1d": CHANNELS,
    "conv2d": IMAGE,
    "conv3d": VOLUME,
    "conv_transpose2d": IMAGE,
    "max_pool1d": CHANNELS,
    "max_pool2d": IMAGE,
    "avg_pool1d": CHANNELS,
    "avg_pool2d": IMAGE,
    "adaptive_avg_pool1d": CHANNELS,
    "adaptive_avg_pool2d": IMAGE,
    "adaptive_max_pool1d": CHANNELS,
    "adaptive_max_pool2d": IMAGE,
    "batch_norm2d": IMAGE,
    "group_norm": (4, 3),
    "dropout2d": IMAGE,
    "multi_head_attention": (4, 6),
    "transformer_encoder": (4, 6),
    "sinusoidal_encoding": (4, 5),
    "glu": (2, 4),
}

ARGUMENTS: dict[str, dict[str, object]] = {
    "linear": {"out_features": 4},
    "bilinear": {"out_features": 4},
    "embedding": {"num_embeddings": EMBEDDINGS, "embedding_dim": 4},
    "conv1d": {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "groups": 2},
    "conv2d": {"out_channels": 4, "kernel_size": (3, 2), "stride": 2, "padding": (1, 0), "groups": 2},
    "conv3d": {"out_channels": 3, "kernel_size": (2, 3, 2), "stride": (1, 2, 1), "padding": (0, 1, 0)},
    "conv_transpose2d": {
        "out_channels": 4,
        "kernel_size": (3, 2),
        "stride": 2,
        "padding": 1,
        "output_padding": (1, 0),
        "groups": 2,
    },
    "max_pool1d": {"kernel_size": 3, "stride": 2, "padding": 1},
    "max_pool2d": {"kernel_size": 3, "stride": (2, 1), "padding": 1},
    "avg_pool1d": {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    "avg_pool2d": {"kernel_size": (2, 3), "padding": (1, 0)},
    "adaptive_avg_pool1d": {"output_size": 3},
    "adaptive_avg_pool2d": {"output_size": (2, 3)},
    "adaptive_max_pool1d": {"output_size": 3},
    "adaptive_max_pool2d": {"output_size": (2, 3)},
    "group_norm": {"num_groups": 2},
    "dropout": {"p": 0.3},
    "dropout2d": {"p": 0.3},
    "rnn": {"hidden_size": 4, "num_layers": 2, "bidirectional": True, "nonlinearity": "relu"},
    "lstm": {"hidden_size": 4, "num_layers": 2, "output": "sequence"},
    "gru": {"hidden_size": 4, "num_layers": 2, "output": "sequence", "bidirectional": True},
    "multi_head_attention": {"num_heads": 2, "causal": True},
    "transformer_encoder": {"num_layers": 2, "num_heads": 2, "dim_feedforward": 5, "dropout": 0.0},
    "reshape": {"shape": (3, -1)},
    "permute": {"dims": (2, 1)},
    "prelu": {"num_parameters": -1},
    "softmax": {"dim": 1},
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

TAKES_INDICES = ("embedding",)
"""Layers through which no gradient passes."""


def example(name: str, scope: Scope, shape: tuple[int, ...] | None = None) -> Layer:
    """The layer, built for its own kind of samples or for another."""
    in_shape = shape or IN_SHAPES.get(name, SEQUENCE)
    scope.built["earlier"] = (Tanh(scope, in_shape), in_shape)  # for a layer that shares it
    return LAYERS[name](scope, in_shape, **ARGUMENTS.get(name, {}))


def samples(name: str, generator: torch.Generator, *batch: int) -> Tensor:
    """Samples such as the layer takes, float32."""
    shape = (*batch, *IN_SHAPES.get(name, SEQUENCE))
    if name in TAKES_INDICES:
        return torch.randint(EMBEDDINGS, shape, generator=generator).float()
    return torch.randn(shape, generator=generator)
