"""Transformers: attention and perceptrons in turn (Vaswani et al., 2017)."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.init import Initializer, XavierUniform
from runner.nn.layers.attention import MultiHeadAttention
from runner.nn.layers.dropout import Dropout
from runner.nn.layers.linear import Linear
from runner.nn.layers.normalization import LayerNorm
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegative, PositiveInt, Probability, Shape

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "gelu": F.gelu}


class TransformerEncoder:
    """``num_layers`` encoder layers, each attention and then a perceptron for each step.

    ``x = norm1(x + attention(x)); x = norm2(x + perceptron(x))``, or with ``norm_first``
    ``x = x + attention(norm1(x)); x = x + perceptron(norm2(x))``, which wants a ``layer_norm`` behind it.
    The parameters of layer n are ``<n>.attention.…``, ``<n>.linear1.…``, ``<n>.linear2.…``, ``<n>.norm1.…``,
    ``<n>.norm2.…``.

    Args:
        scope: where they are allocated.
        in_shape: ``[steps, width]``.
        num_layers: how many there are.
        num_heads: of each layer's attention.
        dim_feedforward: the width of the perceptron's hidden layer.
        dropout: in training, the share that is left out of attention, the hidden layer, and what is added to
            x, at random as in ``Dropout``.
        activation: the perceptron's.
        norm_first: whether to normalise what the parts get, and not what comes of them.
        causal: whether a step sees only itself and those before it.
        layer_norm_eps: of the norms.
        bias: whether linear maps and norms have a ``b``.
        init: how linear maps get their first values; ``torch.nn.Transformer``'s if left out.

    Raises:
        ShapeError: if the sample is no sequence, or the heads can't share its width.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        num_layers: PositiveInt,
        num_heads: PositiveInt,
        dim_feedforward: PositiveInt = 2048,
        dropout: Probability = 0.1,
        activation: Literal["relu", "gelu"] = "relu",
        norm_first: bool = False,
        causal: bool = False,
        layer_norm_eps: NonNegative = 1e-5,
        bias: bool = True,
        init: Initializer = XavierUniform(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        self.layers: list[EncoderLayer] = []
        for number in range(num_layers):
            inner = scope.scope(str(number))
            attention = MultiHeadAttention(
                inner.scope("attention"),
                in_shape,
                num_heads=num_heads,
                dropout=dropout,
                bias=bias,
                causal=causal,
                init=init,
            )
            perceptron = Perceptron(inner, in_shape, dim_feedforward, dropout, activation, bias, init)
            norm1 = LayerNorm(inner.scope("norm1"), in_shape, eps=layer_norm_eps, bias=bias)
            norm2 = LayerNorm(inner.scope("norm2"), in_shape, eps=layer_norm_eps, bias=bias)
            left_out = Dropout(inner, in_shape, p=dropout)
            self.layers.append(EncoderLayer(attention, perceptron, norm1, norm2, left_out, norm_first))
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, width]`` to the same shape."""
        for layer in self.layers:
            x = layer.forward(store, x)
        return x


class EncoderLayer:
    """Attention and a perceptron, each added to what it gets.

    Args:
        attention: the one.
        perceptron: the other.
        norm1: of attention.
        norm2: of the perceptron.
        dropout: of what is added.
        norm_first: whether the norms come before.
    """

    def __init__(
        self,
        attention: MultiHeadAttention,
        perceptron: "Perceptron",
        norm1: LayerNorm,
        norm2: LayerNorm,
        dropout: Dropout,
        norm_first: bool,
    ) -> None:
        self.parts = ((attention, norm1), (perceptron, norm2))
        self.dropout, self.norm_first = dropout, norm_first
        self.out_shape = attention.out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, width]`` to the same shape."""
        for part, norm in self.parts:
            if self.norm_first:
                x = x + self.dropout.forward(store, part.forward(store, norm.forward(store, x)))
            else:
                x = norm.forward(store, x + self.dropout.forward(store, part.forward(store, x)))
        return x


class Perceptron:
    """A hidden layer and a linear map back, the same for each step.

    Args:
        scope: where ``linear1`` and ``linear2`` are allocated.
        in_shape: ``[steps, width]``.
        hidden: the width of the hidden layer.
        dropout: the share of it that is left out in training.
        activation: of the hidden layer.
        bias: whether the linear maps have a ``b``.
        init: how the linear maps get their first values.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        hidden: int,
        dropout: float,
        activation: str,
        bias: bool,
        init: Initializer,
    ) -> None:
        self.linear1 = Linear(scope.scope("linear1"), in_shape, out_features=hidden, bias=bias, init=init)
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(scope, self.linear1.out_shape, p=dropout)
        self.linear2 = Linear(
            scope.scope("linear2"), self.linear1.out_shape, out_features=in_shape[-1], bias=bias, init=init
        )
        self.out_shape = self.linear2.out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, width]`` to the same shape."""
        hidden = self.activation(self.linear1.forward(store, x))
        return self.linear2.forward(store, self.dropout.forward(store, hidden))
