"""A config's values in the grammar of Hydra's command line."""

import json
import re
from collections.abc import Mapping

from runner.config.plain import Plain


def flatten(plain: Plain, prefix: str = "") -> dict[str, str]:
    """The config as ``{"optim.lr": "0.3", …}``, each pair an override that can be pasted back."""
    flat: dict[str, str] = {}
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(dict(value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = as_override(value)
    return flat


def as_override(value: object) -> str:
    """A value in the grammar of Hydra's command line."""
    if isinstance(value, str):
        plain_words = re.fullmatch(r"[A-Za-z0-9_./:+@%?|*-]+( [A-Za-z0-9_./:+@%?|*-]+)*", value)
        other_type = re.fullmatch(r"null|true|false|[-+]?(inf|nan)|[-+]?[0-9_.]+(e[-+]?[0-9]+)?", value, re.I)
        if plain_words and not other_type:
            return value
        before_quotes = re.sub(r"(\\*)'", lambda found: 2 * found[1] + r"\'", value)
        return "'" + re.sub(r"\\+$", lambda found: 2 * found[0], before_quotes) + "'"
    if isinstance(value, list):
        return "[" + ",".join(as_override(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_override(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
