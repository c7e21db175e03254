"""Configs from before a key are read as if it had been there, as it is if nothing is said."""

from runner.config.plain import Plain
from runner.config.schema import keys_at

FRAMED = ("train", "optim", "schedule", "tracking")
"""Sections of a config that have keys whatever they name, beside the data."""


def completed(recorded: Plain, composed: Plain) -> Plain:
    """A recorded config with the keys that have come since, as they are in one that is composed now."""
    sections = {
        name: {key: composed[name][key] for key in keys_at([name])} | recorded[name]
        for name in FRAMED
        if isinstance(recorded.get(name), dict)
    }
    return composed | recorded | sections
