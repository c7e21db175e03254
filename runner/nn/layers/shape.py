"""Layers that only change how values are laid out."""

from math import prod

from torch import Tensor

from runner.nn.layers.layer import ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import Dim, PositiveInt, Shape


class Flatten:
    """Neighbouring dimensions in one: ``[N, 1, 28, 28]`` becomes ``[N, 784]``.

    Args:
        scope: unused, there are no parameters.
        in_shape: the shape of one sample.
        start_dim: the first dimension to merge; as in torch the batch is 0, so a sample's are 1, 2, …
        end_dim: the last one; -1 is the sample's last.

    Raises:
        ShapeError: if the sample has no such dimensions.
    """

    def __init__(
        self, scope: Scope, in_shape: Shape, *, start_dim: PositiveInt = 1, end_dim: Dim = -1
    ) -> None:
        last = len(in_shape) if end_dim == -1 else end_dim
        if not start_dim <= last <= len(in_shape):
            raise ShapeError(
                f"merges dimensions {start_dim} to {end_dim}, gets {len(in_shape)}: {list(in_shape)}"
            )
        self.start_dim, self.end_dim = start_dim, end_dim
        merged = prod(in_shape[start_dim - 1 : last])
        self.out_shape: Shape = (*in_shape[: start_dim - 1], merged, *in_shape[last:])

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, …]`` to ``[N, *out_shape]``."""
        return x.flatten(self.start_dim, self.end_dim)


class Reshape:
    """The same values in another shape: ``[N, 784]`` becomes ``[N, 1, 28, 28]``.

    Args:
        scope: unused, there are no parameters.
        in_shape: the shape of one sample.
        shape: what it becomes, without the batch; one size may be -1 and follows from the others.

    Raises:
        ShapeError: if there are more or fewer values in it, or several sizes are -1.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, shape: tuple[Dim, ...]) -> None:
        values, known = prod(in_shape), prod(size for size in shape if size != -1)
        fits = values % known == 0 if shape.count(-1) == 1 else values == known and -1 not in shape
        if not fits:
            raise ShapeError(f"cannot make {list(shape)} of {values} values, gets {list(in_shape)}")
        self.out_shape: Shape = tuple(values // known if size == -1 else size for size in shape)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *shape]``."""
        return x.reshape(x.shape[0], *self.out_shape)


class Permute:
    """Dimensions in another order: with ``dims`` [2, 1], ``[N, C, steps]`` to ``[N, steps, C]``.

    Args:
        scope: unused, there are no parameters.
        in_shape: the shape of one sample.
        dims: which dimension stands first, second, …; as in torch the batch is 0, which stays where it is
            and is not named here.

    Raises:
        ShapeError: if they are not 1, 2, … up to the sample's last, each once.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, dims: tuple[PositiveInt, ...]) -> None:
        if sorted(dims) != list(range(1, len(in_shape) + 1)):
            raise ShapeError(f"orders dimensions {list(dims)}, gets {len(in_shape)}: {list(in_shape)}")
        self.dims = dims
        self.out_shape: Shape = tuple(in_shape[dim - 1] for dim in dims)

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *out_shape]``."""
        return x.permute(0, *self.dims)


def place_of(dim: Dim, in_shape: Shape) -> int:
    """Where in ``in_shape`` a dimension stands that is counted as torch counts, the batch being 0.

    Raises:
        ShapeError: if the sample has no such dimension.
    """
    place = len(in_shape) - 1 if dim == -1 else dim - 1
    if not 0 <= place < len(in_shape):
        raise ShapeError(f"works along dimension {dim}, gets {len(in_shape)}: {list(in_shape)}")
    return place
