"""The layers of a model: each checked, with the sizes that follow from the data."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from runner.config.components import layer
from runner.nn.layers.layer import Build
from runner.registry import Registry


def check_layers(
    registry: Registry, layers: object, outputs: int, indices: int | None, problems: list[str]
) -> dict[str, Build]:
    """Each layer with its checked arguments.

    Args:
        registry: the names that a config may use.
        layers: what it says.
        outputs: the last ``out_features`` if that is left open.
        indices: the first layer's ``num_embeddings``, likewise; None if the data are no indices.
        problems: where what is wrong is added.
    """
    if not isinstance(layers, Mapping):
        return {}
    sized = with_first_size(registry, with_last_size(registry, layers, outputs), indices)
    checked = {
        name: layer(registry, f"model.layers.{name}", given, problems) for name, given in sized.items()
    }
    return {name: each for name, each in checked.items() if each}


def with_first_size(registry: Registry, layers: Mapping[str, Any], indices: int | None) -> dict[str, Any]:
    """The layers, the first of them with so many embeddings if it has such and their number is left open."""
    told = dict(layers)
    name, given = next(iter(told.items()), ("", None))
    if indices is not None and isinstance(given, Mapping):
        target = registry.layers.get(str(given.get("type")))
        if target and "num_embeddings" in signature(target).parameters and "num_embeddings" not in given:
            told[name] = {**given, "num_embeddings": indices}
    return told


def with_last_size(registry: Registry, layers: Mapping[str, Any], outputs: int) -> dict[str, Any]:
    """The layers with the last of them that has an ``out_features``, in whatever layer, having that many."""
    told = dict(layers)
    for name, given in reversed(told.items()):
        target = registry.layers.get(str(given.get("type"))) if isinstance(given, Mapping) else None
        if target and "out_features" in signature(target).parameters:
            if given.get("out_features") is None:
                told[name] = {**given, "out_features": outputs}
            break
        if target and isinstance(given.get("layers"), Mapping):
            told[name] = {**given, "layers": with_last_size(registry, given["layers"], outputs)}
            break
    return told
