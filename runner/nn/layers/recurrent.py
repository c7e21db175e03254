"""Layers that read a sequence step by step."""

from typing import Literal

import torch
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class LSTM:
    """Long short-term memory (Hochreiter and Schmidhuber, 1997) with a forget gate, as torch has it.

    For each step of the sequence, with gates i, f, g, o stacked along the first dimension of the weights:
    ``i, f, o = sigmoid(…), g = tanh(…)`` of ``W_ih x + b_ih + W_hh h + b_hh``; ``c = f c + i g``;
    ``h = o tanh(c)``; h and c start at 0. Layer n's parameters are ``W_ih_l<n>`` [4 hidden_size, inputs],
    ``W_hh_l<n>`` [4 hidden_size, hidden_size], ``b_ih_l<n>`` and ``b_hh_l<n>`` [4 hidden_size].

    Args:
        scope: where the parameters are allocated.
        in_shape: ``[steps, inputs]``.
        hidden_size: the width of h and c.
        num_layers: so many LSTMs, each reading the one before.
        output: ``last``: h after the last step; ``sequence``: h after every step.
        input_size: what the width of a step has to be; inferred where it is left out.
        bias: whether there are biases.
        init: how all of them get their first values. As in torch, each unit counts ``hidden_size`` inputs.

    Raises:
        ShapeError: if the sample is no sequence of ``input_size`` wide steps.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        hidden_size: PositiveInt,
        num_layers: PositiveInt = 1,
        output: Literal["last", "sequence"] = "last",
        input_size: PositiveInt | None = None,
        bias: bool = True,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        if len(in_shape) != 2:
            raise ShapeError(f"expects sequences [steps, inputs], gets {list(in_shape)}")
        steps, width = in_shape
        if input_size is not None and input_size != width:
            raise ShapeError(f"expects steps of {input_size} inputs, gets {width}")
        self.hidden_size, self.num_layers, self.output, self.bias = hidden_size, num_layers, output, bias
        fans, gates = Fans(hidden_size, hidden_size), 4 * hidden_size
        self.parameters = []
        for layer in range(num_layers):
            for name, inputs in (("W_ih", hidden_size if layer else width), ("W_hh", hidden_size)):
                self.parameters.append(
                    scope.allocate(f"{name}_l{layer}", (gates, inputs), lambda W, g: init.weight(W, fans, g))
                )
            for name in ("b_ih", "b_hh") if bias else ():
                self.parameters.append(
                    scope.allocate(f"{name}_l{layer}", (gates,), lambda b, g: init.bias(b, fans, g))
                )
        self.out_shape: Shape = (hidden_size,) if output == "last" else (steps, hidden_size)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, inputs]`` to ``[N, hidden_size]`` or ``[N, steps, hidden_size]``."""
        start = x.new_zeros(self.num_layers, len(x), self.hidden_size)
        h, _, _ = torch.lstm(
            x,
            (start, start),
            [store[address] for address in self.parameters],
            has_biases=self.bias,
            num_layers=self.num_layers,
            dropout=0.0,
            train=True,
            bidirectional=False,
            batch_first=True,
        )
        return h[:, -1] if self.output == "last" else h
