"""Hydra's side of things: where the YAML lies, what its resolvers say, and its errors in plain words."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from runner.errors import ConfigError, unknown
from runner.launch import Launch

CONFIG_ERRORS = (HydraException, OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError)
"""What composing raises for a wrong command line or wrong YAML."""

SWEEP_RECORD = "multirun.yaml"
"""Where Hydra's sweeper writes the whole sweep's config down, in the sweep's folder."""


def conf_folder() -> Path:
    """The runner's own YAML: beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).resolve().parent
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parent / "conf"


def register_resolvers() -> None:
    """Make ``${runner.…}`` known to OmegaConf."""
    resolvers = {
        "runner.unique_id": lambda: secrets.token_hex(3),
        "runner.tracking_uri": lambda: os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(),
        "runner.experiment": lambda: os.environ.get("MLFLOW_EXPERIMENT_NAME") or "runner",
    }
    for name, resolver in resolvers.items():
        OmegaConf.register_new_resolver(name, resolver, use_cache=True, replace=True)


def default_tracking_uri() -> str:
    """A SQLite file under the folder that the program was started in."""
    return f"sqlite:///{Path.cwd() / 'outputs' / 'mlflow.db'}"


def to_plain(cfg: DictConfig) -> dict[str, Any]:
    """A composed config without interpolations, as plain mappings and lists.

    Raises:
        ConfigError: if an interpolation cannot be resolved or a value is missing (``???``).
    """
    try:
        plain = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise ConfigError([explain(error)]) from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def launch_of(hydra: HydraConf, folder: Path, command: str) -> Launch:
    """How a run was started, from the ``hydra`` node of its config.

    In a sweep, what differs are the overrides of the keys that are swept.
    """
    overrides = list(hydra.overrides.task)
    swept = swept_keys(Path(hydra.sweep.dir)) if in_sweep(hydra) else None
    return Launch(
        folder=folder,
        model=str(hydra.runtime.choices.get("model") or "model"),
        differing=tuple(o for o in overrides if swept is None or key_of(o) in swept),
        command=command,
    )


def in_sweep(hydra: HydraConf) -> bool:
    """Whether the run is a job of a sweep."""
    return bool(hydra.mode == RunMode.MULTIRUN)


def swept_keys(folder: Path) -> set[str] | None:
    """The keys that a sweep varies, as its folder's record tells; None where there is none."""
    record = folder / SWEEP_RECORD
    if not record.exists():
        return None
    hydra = OmegaConf.load(record).hydra
    params = hydra.sweeper.get("params") or {}
    overrides = OverridesParser.create().parse_overrides(list(hydra.overrides.task))
    return {str(key) for key in params} | {o.key_or_group for o in overrides if o.is_sweep_override()}


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
        return unknown(str(cause.full_key), cause.key, known, "unknown key")
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return f"{cause.full_key}: {one_line(cause.msg or cause)}"
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return f"a YAML file cannot be read: {one_line(error)}"
    return one_line(error)


def one_line(message: object) -> str:
    """A message without its line breaks."""
    return " ".join(str(message).split())
