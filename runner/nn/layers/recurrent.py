"""Layers that read a sequence step by step."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from torch import Tensor

from runner.nn.init import Default, Fans, Initializer
from runner.nn.layers.dropout import dropped
from runner.nn.layers.layer import ShapeError
from runner.nn.store import Address, ParameterStore, Scope
from runner.types import PositiveInt, Probability, Shape


class Recurrent(ABC):
    """What these layers share: what they read, and the parameters of it.

    Layer n's parameters are ``W_ih_l<n>`` [gates hidden_size, inputs], ``W_hh_l<n>`` [gates hidden_size,
    hidden_size], ``b_ih_l<n>`` and ``b_hh_l<n>`` [gates hidden_size]; those of one that reads backwards end
    in ``_reverse``. The state starts at 0.

    Args:
        scope: where the parameters are allocated.
        in_shape: ``[steps, inputs]``.
        hidden_size: the width of the state.
        num_layers: so many layers, each reading what the one before gives.
        output: ``last``: the state at the end; ``sequence``: the state after every step.
        bidirectional: whether each layer also reads backwards, with parameters of its own; it then gives both
            states side by side, at the end each that of its own last step.
        dropout: in training, the share that is left out between two layers, at random as in ``Dropout``.
        input_size: what the width of a step has to be; inferred where it is left out.
        bias: whether there are biases.
        init: how all of them get their first values. As in torch, each unit counts ``hidden_size`` inputs.

    Raises:
        ShapeError: if the sample is no sequence of ``input_size`` wide steps.
    """

    gates: ClassVar[int]

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        hidden_size: PositiveInt,
        num_layers: PositiveInt = 1,
        output: Literal["last", "sequence"] = "last",
        bidirectional: bool = False,
        dropout: Probability = 0.0,
        input_size: PositiveInt | None = None,
        bias: bool = True,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        if len(in_shape) != 2:
            raise ShapeError(f"expects sequences [steps, inputs], gets {list(in_shape)}")
        steps, width = in_shape
        if input_size is not None and input_size != width:
            raise ShapeError(f"expects steps of {input_size} inputs, gets {width}")
        self.hidden_size, self.output, self.bias = hidden_size, output, bias
        self.bidirectional, self.dropout = bidirectional, dropout
        fans, gates = Fans(hidden_size, hidden_size), self.gates * hidden_size
        directions = ("", "_reverse") if bidirectional else ("",)
        self.layers: list[list[Address]] = []
        for layer in range(num_layers):
            inputs = hidden_size * len(directions) if layer else width
            addresses = []
            for direction in directions:
                for name, fed in (("W_ih", inputs), ("W_hh", hidden_size)):
                    full = f"{name}_l{layer}{direction}"
                    addresses.append(scope.allocate(full, (gates, fed), lambda W, g: init.weight(W, fans, g)))
                for name in ("b_ih", "b_hh") if bias else ():
                    full = f"{name}_l{layer}{direction}"
                    addresses.append(scope.allocate(full, (gates,), lambda b, g: init.bias(b, fans, g)))
            self.layers.append(addresses)
        outputs = hidden_size * len(directions)
        self.out_shape: Shape = (outputs,) if output == "last" else (steps, outputs)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, inputs]`` to ``[N, hidden_size]`` or ``[N, steps, hidden_size]``, or twice as wide."""
        start = x.new_zeros(2 if self.bidirectional else 1, x.shape[0], self.hidden_size)
        last = start
        for place, addresses in enumerate(self.layers):
            if place > 0:
                x = dropped(store, x, x, self.dropout)
            x, last = self.read(x, start, [store[address] for address in addresses])
        return last.transpose(0, 1).flatten(1) if self.output == "last" else x

    @abstractmethod
    def read(self, x: Tensor, start: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
        """One layer: the states after every step ``[N, steps, …]``, and the last ``[directions, N, …]``."""


class RNN(Recurrent):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` for each step (Elman, 1990), or ``relu``.

    Args:
        scope: see ``Recurrent``, here as below.
        in_shape: ``[steps, inputs]``.
        hidden_size: the width of h.
        nonlinearity: tanh or relu.
        num_layers: so many layers.
        output: ``last`` or ``sequence``.
        bidirectional: whether each layer also reads backwards.
        dropout: between two layers.
        input_size: what the width of a step has to be.
        bias: whether there are biases.
        init: how all of them get their first values.
    """

    gates = 1

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        hidden_size: PositiveInt,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        num_layers: PositiveInt = 1,
        output: Literal["last", "sequence"] = "last",
        bidirectional: bool = False,
        dropout: Probability = 0.0,
        input_size: PositiveInt | None = None,
        bias: bool = True,
        init: Initializer = Default(),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        super().__init__(
            scope,
            in_shape,
            hidden_size=hidden_size,
            num_layers=num_layers,
            output=output,
            bidirectional=bidirectional,
            dropout=dropout,
            input_size=input_size,
            bias=bias,
            init=init,
        )
        self.run = torch.rnn_tanh if nonlinearity == "tanh" else torch.rnn_relu

    def read(self, x: Tensor, start: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
        """One layer."""
        steps_first = x.transpose(0, 1)  # torch would turn h in place, which can't be recorded
        h, last = self.run(steps_first, start, parameters, self.bias, 1, 0.0, True, self.bidirectional, False)
        return h.transpose(0, 1), last


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997) with a forget gate, as torch has it.

    For each step of the sequence, with gates i, f, g, o stacked along the first dimension of the weights:
    ``i, f, o = sigmoid(…), g = tanh(…)`` of ``W_ih x + b_ih + W_hh h + b_hh``; ``c = f c + i g``;
    ``h = o tanh(c)``. h is what is given; see ``Recurrent``.
    """

    gates = 4

    def read(self, x: Tensor, start: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
        """One layer."""
        h, last, _ = torch.lstm(
            x, (start, start), parameters, self.bias, 1, 0.0, True, self.bidirectional, True
        )
        return h, last


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., 2014) as torch has them.

    For each step, with gates r, z, n stacked along the first dimension of the weights: ``r, z = sigmoid(…)``
    of ``W_ih x + b_ih + W_hh h + b_hh``; ``n = tanh(W_ih x + b_ih + r (W_hh h + b_hh))``;
    ``h = (1 - z) n + z h``. See ``Recurrent``.
    """

    gates = 3

    def read(self, x: Tensor, start: Tensor, parameters: list[Tensor]) -> tuple[Tensor, Tensor]:
        """One layer."""
        steps_first = x.transpose(0, 1)  # torch would turn h in place, which can't be recorded
        h, last = torch.gru(
            steps_first, start, parameters, self.bias, 1, 0.0, True, self.bidirectional, False
        )
        return h.transpose(0, 1), last
