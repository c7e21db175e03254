"""A config that a store has, or a folder that came with one: data, whoever has written it.

What a user types is meant; what a store says need not be. It has been resolved, so nothing in it is looked
up; its code runs if the user says so; its files lie in the launch folder, unless the user names another.
"""

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path

import yaml

from runner.config.leaves import leaves
from runner.config.places import ROOT, is_in, is_place
from runner.config.plain import Plain
from runner.config.unfolding import refuse_unfolding
from runner.errors import ConfigError
from runner.plugins.consent import Wanted, wanted_of

SECTIONS = ("train", "tracking")
"""What a command changes values in before the whole is checked."""

LARGEST = 8_000_000
"""Bytes of YAML that a store may have for a config."""


def read_stored(file: Path, whose: str) -> Plain:
    """A stored file of YAML as plain values.

    Args:
        file: a copy of it.
        whose: what it is, for messages.

    Raises:
        ConfigError: if it is too large, unfolds, or is no mapping.
    """
    if file.stat().st_size > LARGEST:
        raise ConfigError([f"{whose}: is larger than {LARGEST:,} bytes"])
    refuse_unfolding(file, whose)
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ConfigError([f"{whose}: cannot be read: {' '.join(str(error).split())}"]) from error
    if not isinstance(found, dict):
        raise ConfigError([f"{whose}: is no config"])
    return found


def as_data(stored: Plain, wanted: Wanted, data_root: str | None) -> Plain:
    """A stored config that may be used.

    Args:
        stored: as it was found.
        wanted: what the user says of plug-ins.
        data_root: where data lie, as the user says.

    Raises:
        ConfigError: naming each key that is more than data, and what to type if it is meant.
    """
    plain = deepcopy(stored)
    data, named = plain.get("data"), plain.get("plugins", [])
    if not isinstance(data, dict) or not isinstance(named, list):
        raise ConfigError(
            ["run: what is stored with it is no config: it has no data, or plugins are no list"]
        )
    if odd := [name for name in SECTIONS if not isinstance(plain.get(name, {}), dict)]:
        raise ConfigError([f"run: what is stored with it is no config: {' and '.join(odd)} is no mapping"])
    refuse_more_than_data(leaves(plain), data_root)
    if data_root is not None:
        data["root"] = data_root
    plain["plugins"] = wanted_of([str(name) for name in named], wanted)
    return plain


def refuse_more_than_data(values: Iterable[tuple[str, object]], data_root: str | None) -> None:
    """Refuse values of a store that read what the user has not named.

    Args:
        values: by their dotted keys.
        data_root: where data lie, as the user says; a store's own word for that counts no more then.

    Raises:
        ConfigError: if one refers to something, or names a file elsewhere than in the launch folder.
    """
    problems = []
    for key, value in values:
        place, named = f"{key}: '{value}' is from the store", str(value)
        if "${" in f"{key} {named}".replace("\\", ""):
            problems.append(f"{place}, which says nothing that is to be looked up")
        elif key == ROOT and data_root is None and not is_in(Path.cwd(), Path(named).expanduser()):
            problems.append(f"{place} and not in the launch folder: type {ROOT}={named} if it is meant")
        elif is_place(key, value) and key != ROOT:
            folders = [Path.cwd(), *([] if data_root is None else [Path(data_root).expanduser().absolute()])]
            if not any(is_in(folder, Path(named)) for folder in folders):
                problems.append(
                    f"{place} and not in the launch folder: type {ROOT}=… of a folder that it is in"
                )
    if problems:
        raise ConfigError(problems)
