"""Hydra's side of things: where the YAML lies, what its resolvers say, and its errors in plain words."""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import yaml
from hydra import compose, initialize_config_dir
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from runner.config.loader import checked_loading
from runner.config.loader import conf_folder as conf_folder
from runner.config.overrides import as_override
from runner.config.plain import Plain
from runner.config.tracking_uri import tracking_uri
from runner.errors import ConfigError, unknown
from runner.process import atomic
from runner.process.launch import Launch
from runner.process.masking import masked_value

CONFIG_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError, RecursionError)
"""What composing raises for a wrong command line or wrong YAML."""

NOT_TOLD = ("tracking", "device", "data.root", "plugins")
"""Keys that say where and from what a run is made, which its name does not tell."""

SWEEP_RECORD = "multirun.yaml"
"""Where Hydra's sweeper writes the whole sweep's config down, in the sweep's folder."""


def register_resolvers() -> None:
    """Make ``${runner.…}`` known to OmegaConf."""
    resolvers = {
        "runner.unique_id": lambda: secrets.token_hex(3),
        "runner.tracking_uri": tracking_uri,
        "runner.experiment": lambda: os.environ.get("MLFLOW_EXPERIMENT_NAME") or "runner",
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, use_cache=True, replace=True)


def to_plain(cfg: DictConfig) -> Plain:
    """A composed config without interpolations, as plain mappings and lists.

    Raises:
        ConfigError: if an interpolation cannot be resolved or a value is missing (``???``).
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError([explain(error)]) from error
    assert isinstance(plain, dict)
    return with_located_plugins({str(key): value for key, value in plain.items()})


def with_located_plugins(plain: Plain) -> Plain:
    """A config that names plugins' files by their whole paths, wherever it is read again.

    A relative one starts from a folder of the user's own YAML, or else from the launch folder.
    """
    named = plain.get("plugins")
    if not isinstance(named, list):
        return plain
    folders = [*own_folders(), Path.cwd()]
    return plain | {"plugins": [located(name, folders) for name in named]}


def own_folders() -> list[Path]:
    """The folders of the user's own YAML, as far as Hydra has been told of any."""
    if not HydraConfig.initialized():
        return []
    sources = HydraConfig.get().runtime.config_sources
    return [Path(s.path) for s in sources if s.schema == "file" and s.provider.endswith("command-line")]


def located(name: object, folders: Sequence[Path]) -> object:
    """A plugin's name, that of a file with its path: the last of the folders if it is in none."""
    if not isinstance(name, str) or not name.endswith(".py"):
        return name
    places = [(folder / Path(name).expanduser()).resolve() for folder in folders]
    return str(next((place for place in places if place.is_file()), places[-1]))


@dataclass(frozen=True)
class Composed:
    """A config composed without Hydra's command line: its ``hydra`` node, the rest, and that resolved."""

    hydra: HydraConf
    cfg: DictConfig
    plain: Plain

    def make_folder(self) -> Path:
        """Make the run's folder with Hydra's record in it, as Hydra itself would."""
        folder = Path(self.hydra.run.dir).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if self.hydra.output_subdir is not None:
            record = folder / self.hydra.output_subdir
            record.mkdir(exist_ok=True)
            overrides = OmegaConf.create(typed_overrides(self.hydra))
            atomic.write_private(record / "config.yaml", OmegaConf.to_yaml(self.cfg))
            atomic.write_private(record / "overrides.yaml", OmegaConf.to_yaml(overrides))
        return folder


def compose_run(overrides: Sequence[str], config_dir: Path | str | None) -> Composed:
    """Compose the config of one run, leaving alone whatever else uses Hydra in this process.

    Raises:
        ConfigError: if overrides or YAML are wrong.
    """
    with composed(overrides, config_dir) as (hydra, cfg):
        refuse_swept_store(hydra)
        return Composed(hydra, cfg, to_plain(cfg))


@contextmanager
def composed(
    overrides: Sequence[str], config_dir: Path | str | None
) -> Iterator[tuple[HydraConf, DictConfig]]:
    """The ``hydra`` node and the rest of a run's config, unresolved; Hydra knows it while the context lasts.

    Raises:
        ConfigError: if overrides or YAML are wrong.
    """
    register_resolvers()
    search = []
    if config_dir is not None:
        folder = Path(config_dir).absolute()
        if not folder.is_dir():
            raise ConfigError([f"config_dir: '{folder}' is not a folder"])
        search = [f"hydra.searchpath=[{as_override(f'file://{folder}')}]"]
    theirs, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    their_config = HydraConfig.instance().cfg
    try:
        with checked_loading(), initialize_config_dir(str(conf_folder()), version_base="1.3"):
            cfg = compose("config", overrides=[*search, *overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)  # for ${hydra:…} in YAML
        hydra = HydraConfig.get()
        with open_dict(cfg):
            del cfg["hydra"]
        yield hydra, cfg
    except (*CONFIG_ERRORS, ValueError, OSError) as error:  # Hydra's own of a strange override
        raise ConfigError([explain(error)]) from error
    finally:
        GlobalHydra.instance().hydra = theirs
        HydraConfig.instance().cfg = their_config


def keep_records_private(hydra: HydraConf) -> None:
    """Let only their owner read what Hydra has written down of a run: the config and what was typed."""
    if hydra.output_subdir is not None:
        for record in Path(hydra.runtime.output_dir, hydra.output_subdir).glob("*.yaml"):
            record.chmod(atomic.PRIVATE)


def launch_of(hydra: HydraConf, folder: Path, command: str) -> Launch:
    """How a run was started, from the ``hydra`` node of its config.

    What differs are, in a sweep, the overrides of swept keys; else all that bear on the result.
    """
    overrides = typed_overrides(hydra)
    swept = swept_keys(hydra)
    if swept is None:
        differing = [o for o in overrides if not key_of(o).startswith(NOT_TOLD)]
    else:
        differing = [o for o in overrides if key_of(o) in swept]
    return Launch(
        folder=folder,
        model=str(hydra.runtime.choices.get("model") or "model"),
        differing=tuple(map(masked_value, differing)),
        command=command,
        job=int(hydra.job.num) if in_sweep(hydra) else None,
    )


def refuse_swept_store(hydra: HydraConf) -> None:
    """Refuse a sweep that varies what its jobs have in common.

    Raises:
        ConfigError: naming each key.
    """
    problems = cannot_be_swept(swept_keys(hydra) or ())
    if problems:
        raise ConfigError(problems)


def cannot_be_swept(keys: Iterable[str]) -> list[str]:
    """A problem for each of the keys that all jobs of a sweep have in common."""
    problems = []
    for key in sorted(keys):
        if key in ("tracking", "tracking.uri", "tracking.experiment"):
            why = "a sweep and its jobs report to one experiment of one store"
        elif key.partition(".")[0] == "sweep":
            why = "it says how the sweep goes through its jobs"
        else:
            continue
        problems.append(f"{key}: cannot be swept: {why}")
    return problems


def in_sweep(hydra: HydraConf) -> bool:
    """Whether the run is a job of a sweep."""
    return bool(hydra.mode == RunMode.MULTIRUN)


def sweep_folder(hydra: HydraConf) -> Path:
    """The folder of the sweep that a job belongs to."""
    return Path(hydra.sweep.dir).absolute()


def typed_overrides(hydra: HydraConf) -> list[str]:
    """The overrides as typed, interpolations and all."""
    overrides = OmegaConf.to_container(cast(ListConfig, hydra.overrides.task), resolve=False)
    return [str(override) for override in cast(list[object], overrides)]


def swept_keys(hydra: HydraConf) -> set[str] | None:
    """The keys that a sweep varies, as its folder's record tells; None where there is none."""
    record = sweep_folder(hydra) / SWEEP_RECORD
    if not in_sweep(hydra) or not record.exists():
        return None
    return recorded_keys(record)


@cache
def recorded_keys(record: Path) -> set[str]:
    """The swept keys in a sweep's record, which is read once for all jobs of a process."""
    recorded = OmegaConf.load(record).hydra
    params = recorded.sweeper.get("params") or {}
    overrides = OverridesParser.create().parse_overrides(typed_overrides(recorded))
    return {key_of(str(key)) for key in params} | {o.key_or_group for o in overrides if o.is_sweep_override()}


def key_of(override: str) -> str:
    """``+optim.lr=0.3`` is about ``optim.lr``."""
    return override.lstrip("+~").partition("=")[0]


def explain(error: BaseException) -> str:
    """Hydra's, OmegaConf's or YAML's error as one problem: key, value, what is allowed, the nearest name."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return unknown(group, option, error.options)
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and isinstance(cause.parent_node, Mapping):
        known = [str(key) for key in cause.parent_node if key != "hydra"]
        told = unknown(str(cause.full_key), cause.key, known, "unknown key")
        if "type" in known and "Did you mean" not in told:
            told += f". To give an argument that the YAML does not mention, write +{cause.full_key}=…"
        return told
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return f"{cause.full_key}: {str(cause.msg or cause).splitlines()[0]}"
    if isinstance(error, RecursionError):
        return "the config is nested too deeply"
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return f"a YAML file cannot be read: {one_line(error)}"
    return one_line(error)


def one_line(message: object) -> str:
    """A message without its line breaks."""
    return " ".join(str(message).split())
