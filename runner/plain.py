"""A resolved config before it is checked."""

from typing import Any

Plain = dict[str, Any]
"""A config, or a part of it, as plain mappings, lists and scalars, without interpolations."""


def without_sweep(plain: Plain) -> Plain:
    """What a run is: how the sweep that it may belong to goes through its jobs is no part of it."""
    return {key: value for key, value in plain.items() if key != "sweep"}
