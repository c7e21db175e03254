"""Layers made of other layers."""

from typing import Literal

import torch
from torch import Tensor

from runner.nn.layers.layer import Build, Layer, Layers, ShapeError
from runner.nn.layers.sequential import Sequential, built
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class Residual:
    """``f(x) + x``, f being layers in a row (He et al., 2016); ``f(x) + p(x)`` with a ``projection`` p.

    Args:
        scope: where they allocate: f's layers under their names, the projection under ``projection``.
        in_shape: any.
        layers: f.
        projection: a layer that brings x to f's shape, where that is another.

    Raises:
        ShapeError: if what is to be added has different shapes, a layer can't take what arrives, or one has
            the projection's name.
    """

    def __init__(
        self, scope: Scope, in_shape: Shape, *, layers: Layers, projection: Build | None = None
    ) -> None:
        self.function = Sequential(scope, in_shape, layers=layers)
        self.projection: Layer | None = None
        added = in_shape
        if projection is not None:
            if "projection" in layers:
                raise ShapeError(f"has a layer and a projection of one name; it gets {list(in_shape)}")
            self.projection = built(projection, "projection", scope.scope("projection"), in_shape, key="")
            added = self.projection.out_shape
        self.out_shape = self.function.out_shape
        if added != self.out_shape:
            given = f"its layers give {list(self.out_shape)}"
            if projection is None:
                raise ShapeError(f"needs a projection, as {given}; it gets {list(in_shape)}")
            raise ShapeError(f"{given}, its projection {list(added)}; it gets {list(in_shape)}")

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *out_shape]``."""
        skipped = x if self.projection is None else self.projection.forward(store, x)
        return self.function.forward(store, x) + skipped


class Parallel:
    """Several layers fed with the same, their outputs joined.

    Args:
        scope: where they allocate, each under its own name.
        in_shape: any that all of them take.
        branches: the layers.
        combine: ``concat``: one output behind the other; ``sum``: added up.
        dim: along which dimension they are put together; as in torch the batch is 0, a sample's are 1, 2, …

    Raises:
        ShapeError: if the outputs' shapes don't go together, or a layer can't take what arrives.
    """

    def __init__(
        self,
        scope: Scope,
        in_shape: Shape,
        *,
        branches: Layers,
        combine: Literal["concat", "sum"] = "concat",
        dim: PositiveInt = 1,
    ) -> None:
        self.branches = [
            built(build, name, scope.scope(name), in_shape, key="branches")
            for name, build in branches.items()
        ]
        self.dim = dim if combine == "concat" else None
        shapes = [branch.out_shape for branch in self.branches]
        first = shapes[0]
        if self.dim is None:
            fits, self.out_shape = all(shape == first for shape in shapes), first
        else:
            place = self.dim - 1
            others = {(*shape[:place], *shape[place + 1 :]) for shape in shapes}
            fits = all(place < len(shape) for shape in shapes) and len(others) == 1
            if fits:
                self.out_shape = (*first[:place], sum(shape[place] for shape in shapes), *first[place + 1 :])
        if not fits:
            told = ", ".join(str(list(shape)) for shape in shapes)
            how = "add up" if self.dim is None else f"put one behind the other along dimension {self.dim}"
            raise ShapeError(f"its branches give {told}, which it cannot {how}; it gets {list(in_shape)}")

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *out_shape]``."""
        outputs = [branch.forward(store, x) for branch in self.branches]
        if self.dim is not None:
            return torch.cat(outputs, self.dim)
        total = outputs[0]
        for output in outputs[1:]:
            total = total + output
        return total


class Share:
    """A layer that stands elsewhere in the model already, with the same parameters: tied weights.

    Args:
        scope: unused, the other's parameters are used.
        in_shape: the same as the other's.
        of: the other's full name, such as ``encoder`` or ``block.conv``.

    Raises:
        ShapeError: if there is no such layer before this one, or it takes another shape.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, of: str) -> None:
        if of not in scope.built:
            known = ", ".join(scope.built) or "none"
            raise ShapeError(f"shares '{of}', no layer before it ({known}); it gets {list(in_shape)}")
        self.layer, wanted = scope.built[of]
        if wanted != in_shape:
            raise ShapeError(f"expects {list(wanted)} as '{of}' does, gets {list(in_shape)}")
        self.out_shape: Shape = self.layer.out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """What the other layer does."""
        output: Tensor = self.layer.forward(store, x)
        return output
