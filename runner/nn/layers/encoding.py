"""Positional encodings: what tells a layer that looks at all steps alike where a step stands."""

from math import log

import torch
from torch import Tensor

from runner.nn.init import Fans, Initializer, Normal
from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import Shape


class SinusoidalEncoding:
    """x plus waves of many lengths (Vaswani et al., 2017), which nothing trains.

    Step t gets sin(t / 10000^(2i / width)) at place 2i and cos of the same at 2i + 1.

    Args:
        scope: where the waves are kept, among the entries that are not trained: ``encoding``.
        in_shape: ``[steps, width]``.

    Raises:
        ShapeError: if the sample is no sequence.
    """

    def __init__(self, scope: Scope, in_shape: Shape) -> None:
        check_sequence(in_shape)
        self.encoding = scope.store.allocate(scope.full("encoding"), in_shape, fill_waves, trained=False)
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, width]`` to the same shape."""
        return x + store[self.encoding]


class LearnedEncoding:
    """x plus a vector for each step: ``W`` [steps, width] (Gehring et al., 2017).

    Args:
        scope: where ``W`` is allocated.
        in_shape: ``[steps, width]``.
        init: how ``W`` gets its first values; small ones, as in GPT-2.

    Raises:
        ShapeError: if the sample is no sequence.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        init: Initializer = Normal(std=0.02),  # noqa: B008  frozen, so one for all is safe
    ) -> None:
        check_sequence(in_shape)
        fans = Fans(in_shape[0], in_shape[1])
        self.W = scope.allocate("W", in_shape, lambda W, g: init.weight(W, fans, g))
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, steps, width]`` to the same shape."""
        return x + store[self.W]


def fill_waves(entry: Tensor, _: torch.Generator) -> None:
    """Fill ``[steps, width]`` with the waves."""
    steps, width = entry.shape
    times = torch.arange(steps, dtype=torch.float64).unsqueeze(1)
    angles = times * torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-log(10000) / width))
    entry[:, 0::2] = angles.sin()
    entry[:, 1::2] = angles[:, : width // 2].cos()


def check_sequence(in_shape: Shape) -> None:
    """Positions are those of a sequence's steps.

    Raises:
        ShapeError: if the sample is none.
    """
    if len(in_shape) != 2:
        raise ShapeError(f"expects sequences [steps, width], gets {list(in_shape)}")
