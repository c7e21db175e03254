"""Where data and store are in a config that somebody's YAML is a part of: what is typed, or the usual places.

A store is sent the run, and the name and password of the environment; data end in the model and in the store.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.config import sqlite_uri
from runner.config.leaves import leaves
from runner.config.places import ROOT, is_in, is_place
from runner.config.tracking_uri import tracking_uri
from runner.errors import ConfigError
from runner.process.masking import masked_value

STORE = "tracking.uri"


def refuse_foreign_places(cfg: DictConfig, overrides: Sequence[str], files: Sequence[Path]) -> None:
    """Refuse a store or data elsewhere than in the launch folder that nobody has typed.

    Args:
        cfg: composed, a part of it from somebody's YAML.
        overrides: as typed.
        files: of the YAML, named in messages.

    Raises:
        ConfigError: naming each key, and what to type if it is meant.
    """
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    typed = {str(each.key_or_group) for each in parsed if "." in each.key_or_group or is_mapping(each)}
    where = f"in {', '.join(map(str, files))}"
    problems = [
        *store_elsewhere(cfg, typed, where),
        *data_elsewhere(cfg, typed, where),
        *swept(cfg, where),
    ]
    if problems:
        raise ConfigError(problems)


def to_be_typed(overrides: Sequence[str]) -> list[str]:
    """Those of a command line that a file can't say in their place."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    found = ((str(each.input_line), str(each.key_or_group), each.value()) for each in parsed)
    return [line for line, key, value in found if lies_elsewhere(key, value) or is_looked_up(key, value)]


def lies_elsewhere(key: str, value: object) -> bool:
    """Whether a value names a store, or data, that are not the usual and not in the launch folder."""
    if key == STORE:
        path = sqlite_uri.to_path(str(value))
        return value != tracking_uri() and (path is None or not is_in(Path.cwd(), path))
    return is_place(key, value) and not is_in(Path.cwd(), home(str(value)))


def is_looked_up(key: str, value: object) -> bool:
    """Whether a value names a store, or data, by what it refers to."""
    return (key == STORE or is_place(key, value)) and "${" in str(value)


def is_mapping(override: Override) -> bool:
    """Whether an override gives a whole section, and chooses no file for it."""
    return isinstance(override.value(), dict)


def is_typed(key: str, typed: set[str]) -> bool:
    """Whether a key, or a section that it is in, has been typed with its value."""
    parts = key.split(".")
    return any(".".join(parts[:count]) in typed for count in range(1, len(parts) + 1))


def home(name: str) -> Path:
    """A path that may begin with a home folder."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # of nobody's: whoever reads the data says so
        return Path(name)


def store_elsewhere(cfg: DictConfig, typed: set[str], where: str) -> Iterator[str]:
    """A store that nobody has typed."""
    uri = selected(cfg, STORE)
    if isinstance(uri, str) and not is_typed(STORE, typed) and lies_elsewhere(STORE, uri):
        yield f"{STORE}: '{masked_value(uri)}' is to be said on the command line, not in a file ({where})"


def data_elsewhere(cfg: DictConfig, typed: set[str], where: str) -> Iterator[str]:
    """Files of data outside of the launch folder and of the folder that is typed."""
    root = selected(cfg, ROOT)
    folders = [Path.cwd()]
    if is_typed(ROOT, typed):
        folders.append(home(str(root)).absolute())
    for key, value in leaves(selected(cfg, "data"), "data"):
        if is_typed(key, typed) or not is_place(key, value):
            continue
        path = home(str(value)) if key == ROOT else Path(str(value))
        if not any(is_in(folder, path) for folder in folders):
            yield f"{key}: '{value}' is not in the launch folder: type {key}={value} if it is meant ({where})"


def swept(cfg: DictConfig, where: str) -> Iterator[str]:
    """Places among what a file sweeps."""
    params = selected(cfg, "hydra.sweeper.params")
    for key in params if isinstance(params, dict) else ():
        name = str(key).lstrip("+~")
        if name.partition(".")[0] in ("tracking", "plugins") or name == ROOT:
            yield f"hydra.sweeper.params.{key}: is to be said on the command line, not in a file ({where})"


def selected(cfg: DictConfig, key: str) -> object:
    """A value, its references followed; None if it can't be had: whoever reads the config says why."""
    try:
        found = OmegaConf.select(cfg, key)
        return OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
    except OmegaConfBaseException:
        return None
