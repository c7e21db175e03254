"""A config's ``hydra`` node, looked at before Hydra makes anything of it.

Hydra instantiates what the node names: callbacks, launcher, sweeper, handlers and formatters of logs. Here
these are names from lists, as all types are in the rest of a config. ``plugins`` is the one door for code.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from runner.config.leaves import leaves
from runner.errors import ConfigError

TARGETS: Mapping[str, Sequence[str]] = {
    "hydra.callbacks.*": ("runner.sweep.callback.SweepFolder",),
    "hydra.launcher": (
        "hydra_plugins.runner_launchers.StackedLauncher",
        "hydra_plugins.runner_launchers.RayLauncher",
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher",
    ),
    "hydra.sweeper": (
        "hydra_plugins.runner_sweepers.GridSweeper",
        "hydra_plugins.runner_sweepers.RandomSweeper",
        "hydra_plugins.runner_sweepers.OptunaSweeper",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
    ),
}
"""What may be a ``_target_``, by its place."""

LOGS = ("hydra.hydra_logging", "hydra.job_logging")
LOGGING: Mapping[str, Sequence[str]] = {
    "handlers": (
        "logging.StreamHandler",
        "logging.FileHandler",
        "logging.NullHandler",
        "logging.handlers.RotatingFileHandler",
        "logging.handlers.TimedRotatingFileHandler",
    ),
    "formatters": ("logging.Formatter", "runner.tracking.log.Masked", "colorlog.ColoredFormatter"),
    "filters": ("logging.Filter",),
}
"""What may be a ``class`` or a ``()`` of a log's parts."""

STREAMS = ("ext://sys.stdout", "ext://sys.stderr")

ONLY_TYPED = (
    "hydra.job.env_set",
    "hydra.job.env_copy",
    "hydra.launcher.setup",
    "hydra.launcher.additional_parameters",
    "hydra.launcher.address",
    "hydra.launcher.backend",
    "hydra.launcher.pre_dispatch",
    "hydra.launcher.temp_folder",
    "hydra.launcher.submitit_folder",
    "hydra.sweeper.storage",
    "hydra.overrides",
    "hydra.searchpath",
)
"""Keys that say what runs, with what environment, or who is connected to: not for a file to decide."""

OUTPUTS = "outputs"
"""The folder, in the launch folder, that files of YAML may put folders of runs into."""


@dataclass(frozen=True)
class Origins:
    """Which of somebody's files says something.

    Attributes:
        files: their contents.
    """

    files: Mapping[Path, Any]

    def of(self, value: object) -> Path | None:
        """The first file that has a value, wherever it may have been put; None if it is in none."""
        for file, content in self.files.items():
            if any(str(each) == str(value) for _, each in leaves(content)):
                return file
        return None


def refuse_hydra_settings(cfg: DictConfig, overrides: Sequence[str], origins: Origins) -> None:
    """Refuse a config whose ``hydra`` node would run code, or scatter a run's traces.

    Args:
        cfg: composed.
        overrides: as typed.
        origins: tells which file says what.

    Raises:
        ConfigError: naming each key, and the file that it is in.
    """
    node = [(f"hydra.{key}", value) for key, value in leaves(cfg.hydra)]
    typed = typed_keys(overrides)
    untyped = [(key, value) for key, value in node if not any(is_within(key, each) for each in typed)]
    foreign = {key: value for key, value in untyped if value is not None and origins.of(value)}
    filled = filled_in(cfg)
    problems = [
        *refused_targets(node),
        *refused_logs(filled),
        *refused_names(filled),
        *refused_files_words(foreign),
        *refused_folders(foreign, filled),
    ]
    if cfg.hydra.job.chdir:
        problems.append(("hydra.job.chdir", "true is not allowed, paths are relative to the launch folder"))
    values = dict(node)
    if problems:
        raise ConfigError(
            f"{key}: {told}" + said_in(origins.of(values.get(key))) for key, told in dict(problems).items()
        )


def said_in(file: Path | None) -> str:
    """Where a problem comes from, if it is not the command line."""
    return "" if file is None else f" (in {file})"


def typed_keys(overrides: Sequence[str]) -> list[str]:
    """The keys of Hydra's that were typed."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return [str(override.key_or_group) for override in parsed if override.is_hydra_override()]


def is_within(key: str, section: str) -> bool:
    """Whether a key is another, or in it."""
    return f"{key}.".startswith(f"{section}.")


def filled_in(cfg: DictConfig) -> DictConfig:
    """A config's copy in which stands what Hydra adds when a job starts."""
    filled = deepcopy(cfg)
    with read_write(filled), open_dict(filled):
        filled.hydra.job.num, filled.hydra.job.id = 0, "0"
        filled.hydra.runtime.output_dir = ""
        filled.hydra.runtime.output_dir = str(Path(resolved(filled, "hydra.run.dir")).absolute())
    return filled


def resolved(cfg: DictConfig, key: str) -> Any:
    """A value of a config, plain, its interpolations followed; Hydra knows the config meanwhile."""
    before = HydraConfig.instance().cfg
    HydraConfig.instance().cfg = cfg  # type: ignore[assignment]  # for ${hydra:…}
    try:
        found = OmegaConf.select(cfg, key)
        return OmegaConf.to_container(found, resolve=True) if OmegaConf.is_config(found) else found
    finally:
        HydraConfig.instance().cfg = before


Problems = Iterator[tuple[str, str]]


def refused_targets(node: Sequence[tuple[str, object]]) -> Problems:
    """Whatever is to be instantiated and is in no list."""
    for key, value in node:
        parts = key.split(".")
        if "_target_" not in parts:
            continue
        place = ".".join(parts[: parts.index("_target_")])
        allowed = TARGETS.get(place) or TARGETS.get(f"{place.rpartition('.')[0]}.*", ())
        if value not in allowed:
            yield key, not_allowed(value, allowed)


def not_allowed(value: object, allowed: Sequence[str]) -> str:
    """A problem's line for code that YAML names."""
    known = f"allowed: {', '.join(allowed)}" if allowed else "nothing is made there"
    return f"'{value}' is code, which only plugins may name; {known}"


def refused_logs(cfg: DictConfig) -> Problems:
    """Whatever makes more of a log than a stream or a file of the run's."""
    for section in LOGS:
        for key, value in leaves(resolved(cfg, section), section):
            parts = key.removeprefix(f"{section}.").split(".")
            allowed = LOGGING.get(parts[0], ())
            if "()" in parts or "class" in parts or "listener" in parts or "queue" in parts:
                if value not in allowed:
                    yield key, not_allowed(value, allowed)
            elif parts[-1] == "filename":
                if not is_log_file(str(value), cfg):
                    yield key, f"'{value}' should be a .log in the run's folder or in the launch folder"
            elif "" in parts:
                yield key, "sets attributes of what has been made, which is not allowed"
            elif (
                isinstance(value, str) and value.lower().startswith(("ext:", "cfg:")) and value not in STREAMS
            ):
                yield key, not_allowed(value, STREAMS)


def is_log_file(name: str, cfg: DictConfig) -> bool:
    """Whether a log may be written there."""
    places = [Path(cfg.hydra.runtime.output_dir), Path.cwd()]
    return name.endswith(".log") and any(leads_into(name, place) for place in places)


def leads_into(name: str, folder: Path) -> bool:
    """Whether a path, relative to the launch folder, is in a folder; links are not followed."""
    path, place = (Path(os.path.abspath(each)) for each in (name, folder))  # noqa: PTH100 (resolve follows)
    return path.is_relative_to(place)


def refused_names(cfg: DictConfig) -> Problems:
    """Names of folders that are none, or that lead out of where they belong."""
    sweep, subdir = (str(resolved(cfg, f"hydra.sweep.{key}")) for key in ("dir", "subdir"))
    if not leads_into(str(Path(sweep, subdir)), Path(sweep)):
        yield "hydra.sweep.subdir", f"'{subdir}' leads out of the sweep's folder"
    record = resolved(cfg, "hydra.output_subdir")
    if record is not None and not leads_into(str(Path("run", record)), Path("run")):
        yield "hydra.output_subdir", f"'{record}' leads out of the run's folder"
    name = str(resolved(cfg, "hydra.job.name"))
    if "/" in name:
        yield "hydra.job.name", f"'{name}' should be a name without /"
    for key in resolved(cfg, "hydra.sweeper.params") or ():
        if str(key).lstrip("+~").startswith("hydra"):
            yield f"hydra.sweeper.params.{key}", "Hydra's own settings are the same for all jobs"


def refused_files_words(foreign: Mapping[str, object]) -> Problems:
    """What only the command line may say, and values that no line of a script can hold."""
    for key, value in foreign.items():
        if any(is_within(key, each) for each in ONLY_TYPED):
            yield key, f"'{value}' is to be said on the command line, not in a file"
        elif key.startswith("hydra.launcher.") and not str(value).isprintable():
            yield key, f"{value!r} should be one line"


def refused_folders(foreign: Mapping[str, object], cfg: DictConfig) -> Problems:
    """Folders of runs that a file puts elsewhere than where runs are."""
    for key in ("hydra.run.dir", "hydra.sweep.dir"):
        folder = str(resolved(cfg, key))
        if key in foreign and not leads_into(folder, Path(OUTPUTS)):
            yield key, f"'{folder}' is not in {OUTPUTS}: another folder is to be said on the command line"
