"""Non-linearities along a dimension, which look at all values there."""

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.layers.shape import place_of
from runner.nn.store import ParameterStore, Scope
from runner.types import Dim, Shape


class Softmax:
    """exp(x) over its sum along a dimension: positive numbers that add up to 1.

    Not for the end of a classifier: ``cross_entropy`` takes logits.

    Args:
        scope: unused, there are no parameters.
        in_shape: any.
        dim: along which dimension; as in torch the batch is 0, so a sample's are 1, 2, …, and -1 is the last.

    Raises:
        ShapeError: if the sample has no such dimension.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, dim: Dim = -1) -> None:
        self.dim = place_of(dim, in_shape) + 1
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        return F.softmax(x, self.dim)


class LogSoftmax:
    """x - log(sum exp(x)) along a dimension: the logarithm of ``Softmax``, which says what the rest is.

    Args:
        scope: unused, there are no parameters.
        in_shape: any.
        dim: along which dimension, counted as there.

    Raises:
        ShapeError: if the sample has no such dimension.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, dim: Dim = -1) -> None:
        self.dim = place_of(dim, in_shape) + 1
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        return F.log_softmax(x, self.dim)


class GLU:
    """a sigmoid(b), a and b being the two halves of x along a dimension (Dauphin et al., 2016).

    Args:
        scope: unused, there are no parameters.
        in_shape: any, even along ``dim``.
        dim: along which dimension, counted as in ``Softmax``.

    Raises:
        ShapeError: if the sample has no such dimension or it can't be halved.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, dim: Dim = -1) -> None:
        place = place_of(dim, in_shape)
        if in_shape[place] % 2:
            raise ShapeError(f"halves dimension {place + 1}, gets {list(in_shape)}")
        self.dim = place + 1
        self.out_shape: Shape = (*in_shape[:place], in_shape[place] // 2, *in_shape[place + 1 :])

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *out_shape]``."""
        return F.glu(x, self.dim)
