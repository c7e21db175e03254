"""Dropout: in training some values are left out at random (Srivastava et al., 2014).

What is left is divided by 1 - p, so that the mean stays; when the model predicts nothing is left out. What is
drawn comes from ``store.generator``. Trained alone, a model of a seed draws the same in each run; in a stack
it draws other numbers, from the same distribution.
"""

from torch import Tensor

from runner.nn.layers.window import check_image
from runner.nn.store import ParameterStore, Scope
from runner.types import Probability, Shape


class Dropout:
    """Each value is left out with probability ``p``.

    Args:
        scope: unused, there are no parameters.
        in_shape: any.
        p: the probability.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, p: Probability = 0.5) -> None:
        self.p = p
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to the same shape."""
        return dropped(store, x, x, self.p)


class Dropout2d:
    """Each channel of an image is left out, as a whole, with probability ``p`` (Tompson et al., 2015).

    Args:
        scope: unused, there are no parameters.
        in_shape: ``[channels, height, width]``.
        p: the probability.

    Raises:
        ShapeError: if the sample is no image.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, p: Probability = 0.5) -> None:
        check_image(in_shape)
        self.p = p
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, channels, height, width]`` to the same shape."""
        return dropped(store, x, x[:, :, :1, :1], self.p)


def dropped(store: ParameterStore, x: Tensor, like: Tensor, p: float) -> Tensor:
    """X in training times 0 with probability ``p`` and times 1 / (1 - p) else.

    Args:
        store: says whether this is training, and what to draw from.
        x: the values.
        like: what has the shape of what is drawn, which is broadcast to x's.
        p: the probability.
    """
    if not store.training or p == 0:
        return x
    kept = like.new_empty(like.shape).bernoulli_(1 - p, generator=store.generator)
    return x * (kept if p == 1 else kept / (1 - p))
