"""Layers one after another: what a model is made of."""

from torch import Tensor

from runner.nn.layers.layer import Build, Layer, Layers, ShapeError
from runner.nn.store import ParameterStore, Scope
from runner.types import PositiveInt, Shape


class Sequential:
    """Named layers, each fed with the output of the one before.

    Args:
        scope: where they allocate, each under its own name.
        in_shape: what the first is fed with.
        layers: at least one.

    Attributes:
        layers: as built, by name.
        built: all layers of the model, those in others as well, by their full names, with their input shapes.

    Raises:
        ShapeError: if one of them can't take what arrives.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, layers: Layers) -> None:
        self.layers: dict[str, Layer] = {}
        self.built = scope.built
        self.out_shape, before = in_shape, ""
        for name, build in layers.items():
            self.layers[name] = built(build, name, scope.scope(name), self.out_shape, before)
            self.out_shape, before = self.layers[name].out_shape, f"layers.{name}"

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The last layer's output for a batch of the first layer's inputs."""
        for layer in self.layers.values():
            x = layer.forward(store, x)
        return x


class Repeat:
    """The same layers ``n`` times in a row, each time with parameters of their own: ``0.…``, ``1.…``.

    Args:
        scope: where they allocate.
        in_shape: what the first is fed with.
        n: how often.
        layers: at least one.

    Raises:
        ShapeError: if one of them can't take what arrives.
    """

    def __init__(self, scope: Scope, in_shape: Shape, *, n: PositiveInt, layers: Layers) -> None:
        self.times: list[Sequential] = []
        self.out_shape = in_shape
        for number in range(n):
            try:
                self.times.append(Sequential(scope.scope(str(number)), self.out_shape, layers=layers))
            except ShapeError as error:
                before = error.before or (f"layers.{list(layers)[-1]}" if number else "")
                raise ShapeError(error.told, error.place, before) from error
            self.out_shape = self.times[-1].out_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """The last one's output."""
        for layers in self.times:
            x = layers.forward(store, x)
        return x


def built(
    build: Build, name: str, scope: Scope, in_shape: Shape, before: str = "", key: str = "layers"
) -> Layer:
    """A layer of a layer.

    Args:
        build: what makes it.
        name: what it is called.
        scope: its own.
        in_shape: the shape that arrives.
        before: what feeds it; empty if that is what feeds the layer around.
        key: under which argument of the layer around it stands.

    Raises:
        ShapeError: if it can't take what arrives; it says which layer that is.
    """
    place = f"{key}.{name}" if key else name
    try:
        layer = build(scope, in_shape)
    except ShapeError as error:
        raise error.seen_from(place, before, place) from error
    if not hasattr(layer, "out_shape"):  # a layer of the user's own
        raise ShapeError(f"{type(layer).__name__} sets no out_shape; it gets {list(in_shape)}", place, before)
    scope.built[scope.name] = (layer, in_shape)
    return layer
