"""Which data a run has used: results that were measured on two data sets are not compared."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.config.plain import Plain

PREPARATION = frozenset(
    {
        *("root", "limit", "val", "val_seed", "augment", "mixup", "standardize_target"),
        *("numeric", "categorical", "ignore", "size", "colour", "background"),
        *("window", "length", "stride"),
    }
)
"""Keys of data that say how samples are made of a data set, and how many are trained on, not which it is."""


@dataclass(frozen=True)
class UsedData:
    """A data set, as runs compare theirs.

    Attributes:
        name: its type.
        source: names the settings that say which data set it is.
        settings: names all settings.
        digest: names the values that it gave.
    """

    name: str
    source: str
    settings: str
    digest: str

    @classmethod
    def of(cls, settings: Plain, digest: str) -> "UsedData":
        """The data of some settings, that have a digest."""
        which = {key: value for key, value in settings.items() if key not in PREPARATION}
        whole = {key: value for key, value in settings.items() if key != "root"}
        return cls(str(settings["type"]), named(which), named(whole), digest)

    @classmethod
    def stored(cls, name: str, source: str, digest: str) -> "UsedData":
        """The data of a run in a store, as MLflow has it; whoever has written it there."""
        try:
            settings = json.loads(source)
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            settings = {"source": source}
        return cls.of({**settings, "type": name}, digest)


def have_changed(name: str, run: str, digests: tuple[str, str], anew: str) -> str:
    """What to do about data that are others than those that a run was trained on.

    Args:
        name: the data's type.
        run: the run, as the message calls it.
        digests: of the data then and now.
        anew: what can be started with them instead: a run or a sweep.
    """
    then, now = digests
    return (
        f"data.type: '{name}' now has other data than {run} was trained on (digest {now} instead of {then}). "
        f"Restore them, start a new {anew}, or type data.changed=allow"
    )


def is_preparation(key: str) -> bool:
    """Whether a key of the config is one of data that leaves the data set what it is."""
    return key.removeprefix("data.") in PREPARATION or key.startswith("data.augment")


def named(settings: Mapping[str, Any]) -> str:
    """16 hex digits that name settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
