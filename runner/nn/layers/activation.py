"""Elementwise non-linearities: the shape stays, and there is nothing to learn."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import NonNegative, Positive, Shape


class Activation:
    """What all activations share: ``function`` of whatever comes in goes out, in the same shape."""

    function: Callable[[Tensor], Tensor]

    def __init__(self, scope: Scope, in_shape: Shape) -> None:
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """Elementwise over any shape."""
        return self.function(x)


class Identity(Activation):
    """x."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """What comes in."""
        return x


class ReLU(Activation):
    """max(x, 0)."""

    function = staticmethod(torch.relu)


class ReLU6(Activation):
    """min(max(x, 0), 6) (Howard et al., 2017)."""

    function = staticmethod(F.relu6)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    function = staticmethod(torch.sigmoid)


class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x)))."""

    function = staticmethod(F.logsigmoid)


class Tanh(Activation):
    """The hyperbolic tangent."""

    function = staticmethod(torch.tanh)


class SELU(Activation):
    """scale (max(x, 0) + min(alpha (exp(x) - 1), 0)), with the constants of Klambauer et al. (2017)."""

    function = staticmethod(torch.selu)


class SiLU(Activation):
    """x sigmoid(x), also called swish (Elfwing et al., 2017)."""

    function = staticmethod(F.silu)


class Mish(Activation):
    """x tanh(log(1 + exp(x))) (Misra, 2019)."""

    function = staticmethod(F.mish)


class Softsign(Activation):
    """x / (1 + abs(x))."""

    function = staticmethod(F.softsign)


class Tanhshrink(Activation):
    """x - tanh(x)."""

    function = staticmethod(F.tanhshrink)


class Hardswish(Activation):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al., 2019)."""

    function = staticmethod(F.hardswish)


class Hardsigmoid(Activation):
    """min(max(x + 3, 0), 6) / 6."""

    function = staticmethod(F.hardsigmoid)


class LeakyReLU(Activation):
    """max(x, 0) + negative_slope min(x, 0) (Maas et al., 2013)."""

    def __init__(self, scope: Scope, in_shape: Shape, *, negative_slope: float = 0.01) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.leaky_relu, negative_slope=negative_slope)


class ELU(Activation):
    """max(x, 0) + min(alpha (exp(x) - 1), 0) (Clevert et al., 2015)."""

    def __init__(self, scope: Scope, in_shape: Shape, *, alpha: NonNegative = 1.0) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.elu, alpha=alpha)


class CELU(Activation):
    """max(x, 0) + min(alpha (exp(x / alpha) - 1), 0) (Barron, 2017)."""

    def __init__(self, scope: Scope, in_shape: Shape, *, alpha: Positive = 1.0) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.celu, alpha=alpha)


class GELU(Activation):
    """x Phi(x), Phi being the normal distribution's (Hendrycks and Gimpel, 2016), or nearly so by tanh."""

    def __init__(
        self, scope: Scope, in_shape: Shape, *, approximate: Literal["none", "tanh"] = "none"
    ) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.gelu, approximate=approximate)


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, and x where beta x is beyond ``threshold`` and the two are the same."""

    def __init__(
        self, scope: Scope, in_shape: Shape, *, beta: Positive = 1.0, threshold: float = 20.0
    ) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.softplus, beta=beta, threshold=threshold)


class Softshrink(Activation):
    """What of x is beyond ``lambd`` or -``lambd``, and 0 between them."""

    def __init__(self, scope: Scope, in_shape: Shape, *, lambd: NonNegative = 0.5) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.softshrink, lambd=lambd)


class Hardshrink(Activation):
    """The same as x beyond ``lambd`` and -``lambd``, and 0 between them."""

    def __init__(self, scope: Scope, in_shape: Shape, *, lambd: NonNegative = 0.5) -> None:
        super().__init__(scope, in_shape)
        self.function = partial(F.hardshrink, lambd=lambd)


class Hardtanh(Activation):
    """min(max(x, min_val), max_val).

    Raises:
        ShapeError: if ``min_val`` is not less than ``max_val``.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__(scope, in_shape)
        if min_val >= max_val:
            raise ShapeError(f"needs min_val {min_val} less than max_val {max_val}; gets {list(in_shape)}")
        self.function = partial(F.hardtanh, min_val=min_val, max_val=max_val)
