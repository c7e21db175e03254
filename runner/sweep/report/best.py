"""A job of a sweep as an experiment of its own: YAML that composes to the job's config."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from runner.config.compose import CONFIG_ERRORS, Composed, compose_run, explain
from runner.config.leaves import leaves
from runner.config.loader import refers_to_config
from runner.config.overrides import as_override
from runner.errors import ConfigError

EXPERIMENT, NAME = "experiment", "best"
"""The group, and what the best is called in it."""

HEADER = "# @package _global_"

NOT_OF_THE_JOB = ("hydra", "sweep")
"""What a sweep's YAML may say of how it sweeps."""


@dataclass(frozen=True)
class Sources:
    """Where the sweep's YAML came from, the first folder that has a file giving it.

    Attributes:
        folders: all of them.
        search_path: the user's own among them, which Hydra has to be told of again.
    """

    folders: Sequence[Path]
    search_path: Sequence[str]

    @staticmethod
    def recorded(record: Path) -> "Sources":
        """From the file that Hydra's sweeper leaves in the sweep's folder."""
        sources = OmegaConf.load(record).hydra.runtime.config_sources
        return Sources(
            [Path(source.path) for source in sources if source.schema == "file"],
            [f"{s.schema}://{s.path}" for s in sources if s.provider.endswith("command-line")],
        )

    def has_group(self, name: str) -> bool:
        """Whether ``name`` is a group of YAML files."""
        return any((folder / name).is_dir() for folder in self.folders)

    def load(self, group: str, option: str) -> DictConfig:
        """A file's content, nothing in it composed.

        Raises:
            ConfigError: if there is no such file.
        """
        name = f"{group}/{option.removesuffix('.yaml')}.yaml"
        for folder in self.folders:
            if (folder / name).is_file():
                loaded = OmegaConf.load(folder / name)
                assert isinstance(loaded, DictConfig)
                return loaded
        raise ConfigError([f"{group}={option}: there is no {name} any more"])

    def search_override(self, *more: Path) -> list[str]:
        """The override that makes Hydra look there, and in ``more`` before."""
        path = [*(f"file://{folder}" for folder in more), *self.search_path]
        return [f"hydra.searchpath={as_override(path)}"] if path else []


class Experiment:
    """The content of an experiment file: choices of groups, and values."""

    def __init__(self) -> None:
        self._included: list[Any] = []
        self._chosen: dict[str, Any] = {}
        self._values = OmegaConf.create({})

    def inherit(self, base: DictConfig) -> None:
        """Take over what another experiment says."""
        defaults = OmegaConf.to_container(base.get("defaults") or OmegaConf.create([]))
        assert isinstance(defaults, list)
        for entry in defaults:
            words = " ".join(entry) if isinstance(entry, Mapping) else ""
            if re.match(r"override +/?hydra/", words):
                continue
            if words.startswith("override "):
                self._chosen |= entry
            else:
                self._included.append(entry)
        self._values.merge_with(without(base, ["defaults"]))

    def choose(self, override: Override) -> None:
        """Choose an option of a group."""
        key = f"/{override.key_or_group}" + (f"@{override.package}" if override.package else "")
        if override.is_add():
            self._included.append({key: override.value()})
        else:
            self._chosen[f"override {key}"] = override.value()

    def set(self, override: Override) -> None:
        """Set a value, as Hydra sets it in a composed config; what a file may not read, as it is now."""
        value = OmegaConf.create({"value": override.value()})
        if not all(refers_to_config(text) for _, text in leaves(value) if isinstance(text, str)):
            OmegaConf.resolve(value)
        OmegaConf.update(self._values, override.key_or_group, value["value"], merge=True, force_add=True)

    def to_yaml(self) -> str:
        """The file's text, without its header."""
        defaults = [*self._included, *({key: option} for key, option in self._chosen.items())]
        values = without(self._values, NOT_OF_THE_JOB)
        return (OmegaConf.to_yaml({"defaults": defaults}) if defaults else "") + (
            OmegaConf.to_yaml(values) if values else ""
        )


def as_experiment(overrides: Sequence[str], sources: Sources) -> str:
    """YAML that says what a job's overrides say.

    An experiment that is chosen among them becomes part of it: it may be called the same, or be gone later.

    Raises:
        ConfigError: if YAML has no words for them, as for what they delete.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
        experiment = Experiment()
        for override in sorted(parsed, key=lambda override: override.key_or_group != EXPERIMENT):
            add(experiment, override, sources)
        return experiment.to_yaml()
    except CONFIG_ERRORS as error:
        raise ConfigError([explain(error)]) from error


def add(experiment: Experiment, override: Override, sources: Sources) -> None:
    """Say in an experiment what an override says.

    Raises:
        ConfigError: if it deletes something.
    """
    value = override.value()
    if override.is_delete():
        raise ConfigError([f"{override.input_line}: YAML cannot delete a key"])
    if isinstance(value, dict) or not sources.has_group(override.key_or_group):
        experiment.set(override)
    elif override.key_or_group != EXPERIMENT:
        experiment.choose(override)
    else:
        for option in value if isinstance(value, list) else [value]:
            experiment.inherit(sources.load(EXPERIMENT, str(option)))


def without(config: DictConfig, names: Sequence[str]) -> DictConfig:
    """A config less some of its keys."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key not in names])


def compose_best(folder: Path, sources: Sources, places: Sequence[str]) -> Composed:
    """What the experiment in ``folder`` composes to.

    Args:
        folder: of the experiment.
        sources: where the sweep's YAML is.
        places: overrides that a file can't say: where data and store are.

    Raises:
        ConfigError: if it does not.
    """
    return compose_run([*sources.search_override(folder), f"{EXPERIMENT}={NAME}", *places], None)
