"""Code that a tracking store names, or holds, runs only if the user says so."""

from collections.abc import Sequence

from runner.errors import ConfigError
from runner.plugins.load import installed

Wanted = bool | Sequence[str]
"""What a user says of plugins: whether those that a store tells of may run, or which to take instead."""


def wanted_of(named: Sequence[str], wanted: Wanted) -> list[str]:
    """The plugins to load where a store tells of some; installed packages' own need no word.

    Args:
        named: those that a run's config names or its model carries.
        wanted: what the user says.

    Raises:
        ConfigError: if there are such and the user has said nothing.
    """
    own = [name for name in named if name in installed()]
    if not isinstance(wanted, bool):
        return list(dict.fromkeys([*own, *wanted]))
    foreign = [name for name in named if name not in own]
    if foreign and not wanted:
        raise ConfigError(
            [
                f"plugins: the run names code, {', '.join(foreign)}: it runs only if you say so, with "
                "plugins=true, or plugins=[./parts.py] for files of your own in its place"
            ]
        )
    return list(named)
