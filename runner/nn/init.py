"""Initialisers: how a layer's weights and biases get their first values.

Each fills a weight or a bias in place from a generator. ``zeros`` and ``normal`` fill biases as they fill
weights, as the article does; ``default`` draws both from the same range, as torch does; the others leave
biases at zero, as their papers do.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal, Protocol

import torch
from torch import Tensor

from runner.types import NonNegative, Positive


@dataclass(frozen=True)
class Fans:
    """The widths of a layer's linear map: inputs that feed one output, outputs that one input feeds."""

    fan_in: int
    fan_out: int


class Initializer(Protocol):
    """Draws first values in place."""

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""

    def bias(self, b: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a bias."""


class ZeroBias:
    """What the papers that speak of weights alone do with biases: zero."""

    def bias(self, b: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a bias with zeros."""
        b.zero_()


@dataclass(frozen=True, kw_only=True)
class Default:
    """Uniform within 1/sqrt(fan_in), biases too: what ``torch.nn.Linear`` does (LeCun et al., 1998)."""

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        bound = 1 / sqrt(fans.fan_in)
        W.uniform_(-bound, bound, generator=generator)

    bias = weight


@dataclass(frozen=True, kw_only=True)
class Zeros:
    """All zeros, biases too."""

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        W.zero_()

    bias = weight


@dataclass(frozen=True, kw_only=True)
class Normal:
    """N(0, std^2), biases too; the article draws everything so, with ``std`` 1."""

    std: NonNegative = 1.0

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        W.normal_(0, self.std, generator=generator)

    bias = weight


@dataclass(frozen=True, kw_only=True)
class Uniform(ZeroBias):
    """U(a, b), with torch's names for the ends; ``a`` must not be greater than ``b``."""

    a: float = -0.05
    b: float = 0.05

    def __post_init__(self) -> None:
        if self.a > self.b:
            raise ValueError(f"a: {self.a} should not be greater than b: {self.b}")

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        W.uniform_(self.a, self.b, generator=generator)


@dataclass(frozen=True, kw_only=True)
class XavierUniform(ZeroBias):
    """Uniform within gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    gain: Positive = 1.0

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        bound = self.gain * sqrt(6 / (fans.fan_in + fans.fan_out))
        W.uniform_(-bound, bound, generator=generator)


@dataclass(frozen=True, kw_only=True)
class XavierNormal(ZeroBias):
    """N(0, gain^2 2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    gain: Positive = 1.0

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        W.normal_(0, self.gain * sqrt(2 / (fans.fan_in + fans.fan_out)), generator=generator)


Fan = Literal["fan_in", "fan_out"]


def kaiming_std(fans: Fans, a: float, mode: Fan) -> float:
    """sqrt(2 / ((1 + a^2) fan)): He et al. (2015), for a relu whose negative slope is ``a``.

    ``mode`` keeps the variance of the forward pass (``fan_in``) or of the backward pass (``fan_out``).
    """
    fan = fans.fan_in if mode == "fan_in" else fans.fan_out
    return sqrt(2 / ((1 + a**2) * fan))


@dataclass(frozen=True, kw_only=True)
class KaimingUniform(ZeroBias):
    """Uniform with the standard deviation of ``kaiming_std``."""

    a: NonNegative = 0.0
    mode: Fan = "fan_in"

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        bound = sqrt(3) * kaiming_std(fans, self.a, self.mode)
        W.uniform_(-bound, bound, generator=generator)


@dataclass(frozen=True, kw_only=True)
class KaimingNormal(ZeroBias):
    """Normal with the standard deviation of ``kaiming_std``."""

    a: NonNegative = 0.0
    mode: Fan = "fan_in"

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        W.normal_(0, kaiming_std(fans, self.a, self.mode), generator=generator)


@dataclass(frozen=True, kw_only=True)
class Orthogonal(ZeroBias):
    """A (semi-)orthogonal matrix times ``gain`` (Saxe et al., 2013)."""

    gain: Positive = 1.0

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill a weight."""
        torch.nn.init.orthogonal_(W, self.gain, generator=generator)
