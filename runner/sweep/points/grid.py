"""Every combination of the swept values; keys that are zipped count as one."""

from collections.abc import Mapping, Sequence
from itertools import chain, product

from runner.config.compose import key_of
from runner.errors import ConfigError, unknown
from runner.sweep.points.space import Interval, Space

Texts = Mapping[str, Sequence[str]]
"""The swept keys, each with its values as typed."""


def grid(space: Space, groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """The overrides of each job; the key typed last varies fastest.

    Args:
        space: what is swept.
        groups: keys that vary together, pairwise, at the place of the first of them.

    Raises:
        ConfigError: if a key has endless values, or a group is none of equally many values.
    """
    texts = enumerated(space)
    group_of = zipped(texts, groups)
    axes = [
        [dict(zip(group, values, strict=True)) for values in zip(*(texts[k] for k in group), strict=True)]
        for group in dict.fromkeys(group_of.get(key, (key,)) for key in texts)
    ]
    return [
        space.job(dict(chain.from_iterable(part.items() for part in combination)))
        for combination in product(*axes)
    ]


def enumerated(space: Space) -> Texts:
    """All values of each swept key.

    Raises:
        ConfigError: naming the keys that have endless values.
    """
    endless = [
        f"{key}: interval({dimension.low}, {dimension.high}) has no end of values. Sample it with "
        "hydra/sweeper=random or hydra/sweeper=optuna, or write range(start,stop,step)"
        for key, dimension in space.swept.items()
        if isinstance(dimension, Interval)
    ]
    if endless:
        raise ConfigError(endless)
    return {key: value.texts for key, value in space.swept.items() if not isinstance(value, Interval)}


def zip_groups(given: object) -> list[list[str]]:
    """``sweep.zip``'s two forms as one: a list of keys is a single group.

    Raises:
        ConfigError: if it is neither.
    """
    if isinstance(given, list) and all(isinstance(key, str) for key in given):
        return [given] if given else []
    if isinstance(given, list) and all(isinstance(group, list) for group in given):
        return [[str(key) for key in group] for group in given if group]
    raise ConfigError([f"sweep.zip: {given!r} should be a list of keys, or a list of such lists"])


def zipped(texts: Texts, groups: Sequence[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For each key of a group all keys of it, as the command line has them.

    Raises:
        ConfigError: if a key is not swept or is named twice, or the keys of a group differ in length.
    """
    typed = {key_of(key): key for key in texts}
    named = [key_of(key) for group in groups for key in group]
    problems = [unknown("sweep.zip", key, typed, "no swept key") for key in named if key not in typed]
    problems += [
        f"sweep.zip: '{key}' is named {named.count(key)} times"
        for key in dict.fromkeys(named)
        if named.count(key) > 1
    ]
    if problems:
        raise ConfigError(problems)
    keys = [tuple(typed[key_of(key)] for key in group) for group in groups]
    for group in keys:
        if len({len(texts[key]) for key in group}) > 1:
            lengths = ", ".join(f"{key} has {len(texts[key])}" for key in group)
            problems.append(f"sweep.zip: keys that vary together need equally many values: {lengths}")
    if problems:
        raise ConfigError(problems)
    return {key: group for group in keys for key in group}
