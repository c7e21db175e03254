"""A resolved config before it is checked."""

from typing import Any

Plain = dict[str, Any]
"""A config, or a part of it, as plain mappings, lists and scalars, without interpolations."""
