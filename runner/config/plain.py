"""A resolved config as plain values, before it is checked: its name and its text."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

Plain = dict[str, Any]
"""A config, or a part of it, as plain mappings, lists and scalars, without interpolations."""

NO_IDENTITY = ("tracking", "objective", "sweep", "checkpoint_every")
"""Keys, some of them in ``train``, that say where a run reports to and what is read and kept of it, not what
it computes."""

NAMED_LAYERS, PROJECTION = ("layers", "branches"), "projection"
"""What a layer calls those that it is made of."""

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""In C where it is there: ten times as fast."""


def hash_of(plain: Plain, digests: Mapping[str, str]) -> str:
    """16 hex digits that name what a whole config computes; where files lie has no part in it.

    Args:
        plain: the config.
        digests: those of its plugins' code, by the plugins' names.
    """
    identity = {key: value for key, value in plain.items() if key not in NO_IDENTITY}
    identity["model"] = in_order(plain["model"]["layers"])
    identity["plugins"] = [digests[name] for name in plain["plugins"]]
    identity["data"] = {key: value for key, value in plain["data"].items() if key != "root"}
    identity["train"] = {key: value for key, value in plain["train"].items() if key not in NO_IDENTITY}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def in_order(layers: Mapping[str, Any], leave_out: str | None = None) -> list[tuple[str, Any]]:
    """Named layers as pairs, since their order counts, and so the layers in them.

    ``leave_out`` is a word that a config may say of a layer and that shall not be told.
    """

    def said(layer: Any) -> Any:
        if not isinstance(layer, Mapping):
            return layer
        return {
            key: in_order(value, leave_out)
            if key in NAMED_LAYERS and isinstance(value, Mapping)
            else said(value)
            if key == PROJECTION
            else value
            for key, value in layer.items()
            if key != leave_out
        }

    return [(name, said(layer)) for name, layer in layers.items()]


def without_sweep(plain: Plain) -> Plain:
    """What a run is: how the sweep that it may belong to goes through its jobs is no part of it."""
    return {key: value for key, value in plain.items() if key != "sweep"}


def to_yaml(content: object) -> str:
    """Plain values as YAML."""
    return str(yaml.dump(content, Dumper=DUMPER, sort_keys=False, allow_unicode=True))
