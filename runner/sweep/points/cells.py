"""A sweep's jobs, composed: each is the sweep's config with a few values of its own."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import cast

from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from runner.config.compose import CONFIG_ERRORS, explain, to_plain
from runner.config.plain import Plain
from runner.errors import ConfigError

SHARED = ("hydra", "tracking", "objective")
"""Keys of which no job has a value of its own."""


@dataclass(frozen=True)
class Cell:
    """A job as Hydra knows it.

    Attributes:
        job: its number.
        overrides: as typed.
        cfg: its config, interpolations and all.
        composed: the same with Hydra's own settings for it, under ``hydra``.
        plain: the config, resolved.
        folder: where it writes.
        records: what Hydra leaves in that folder, by the place in it.
        problem: why it cannot be composed, if so; its config is then the part that all jobs share.
    """

    job: int
    overrides: list[str]
    cfg: DictConfig
    composed: DictConfig
    plain: Plain
    folder: Path
    records: Mapping[Path, object]
    problem: ConfigError | None = None


class Composer:
    """Composes jobs. Those that differ from another in nothing but values are made from a copy of it.

    To compose takes Hydra a tenth of a second, to copy and change what is composed a tenth of that.

    Args:
        loader: Hydra's.
        master: the sweep's config.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader = loader
        self._master = master
        self._parser = OverridesParser.create(config_loader=loader)
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._is_group: dict[str, bool] = {}
        self._overrides: dict[str, Override] = {}

    def cells(self, jobs: Sequence[Sequence[str]], first: int) -> list[Cell]:
        """The jobs with the given overrides, numbered from ``first``."""
        before = HydraConfig.instance().cfg
        try:
            return [self._cell(first + place, list(overrides)) for place, overrides in enumerate(jobs)]
        finally:
            HydraConfig.instance().cfg = before

    def _cell(self, job: int, overrides: list[str]) -> Cell:
        try:
            return self._numbered(self._compose(overrides), job, overrides)
        except ConfigError as error:
            problem = error
        except (*CONFIG_ERRORS, ValueError) as error:  # ValueError: Hydra's, of a group that is null
            problem = ConfigError([explain(error)])
        shared = copy.deepcopy(self._master)
        with read_write(shared.hydra), open_dict(shared):
            for key in [key for key in shared if key not in SHARED]:
                del shared[key]
            shared.hydra.sweep.subdir = str(job)  # what names it else may be what cannot be composed
        return self._numbered(shared, job, overrides, problem)

    def _numbered(
        self, config: DictConfig, job: int, overrides: list[str], problem: ConfigError | None = None
    ) -> Cell:
        HydraConfig.instance().cfg = cast(HydraConf, config)  # for ${hydra:…} in YAML
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.overrides.task = overrides
            config.hydra.job.id = str(job)
            config.hydra.job.num = job
            folder = Path(str(config.hydra.sweep.dir), str(config.hydra.sweep.subdir)).absolute()
            config.hydra.runtime.output_dir = str(folder)
        cfg = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        records = records_of(config.hydra, cfg, overrides)
        return Cell(job, overrides, cfg, config, to_plain(cfg), folder, records, problem)

    def _compose(self, overrides: list[str]) -> DictConfig:
        parsed = [self._parsed(override) for override in overrides]
        written = [override for override in parsed if not self._chooses(override)]
        keys = [str(override.key_or_group) for override in written]
        values = [override for override in written if sets_value(override)]
        if any(f"{key}.".startswith(f"{other}.") for key, other in permutations(keys, 2)):
            values = []  # one writes where another writes: their order counts
        shape = tuple(str(override.input_line) for override in parsed if override not in values)
        if shape not in self._composed:
            self._composed[shape] = self._loader.load_sweep_config(self._master, list(shape))
        config = copy.deepcopy(self._composed[shape])
        for override in values:
            OmegaConf.update(config, str(override.key_or_group), override.value(), merge=True)
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.job.override_dirname = self._dirname(parsed)
        return config

    def _parsed(self, override: str) -> Override:
        if override not in self._overrides:
            (self._overrides[override],) = self._parser.parse_overrides([override])
        return self._overrides[override]

    def _chooses(self, override: Override) -> bool:
        """Whether an override chooses a YAML of a group."""
        if isinstance(override.value(), dict):
            return False  # it sets values of what is chosen
        key = str(override.key_or_group)
        if key not in self._is_group:
            self._is_group[key] = bool(self._loader.get_group_options(key))
        return self._is_group[key]

    def _dirname(self, overrides: Sequence[Override]) -> str:
        """The overrides as a folder's name, as ``${hydra.job.override_dirname}`` promises."""
        wanted = self._master.hydra.job.config.override_dirname
        lines = sorted(
            str(override.input_line)
            for override in overrides
            if override.key_or_group not in wanted.exclude_keys and not override.is_hydra_override()
        )
        return str(wanted.item_sep).join(lines).replace("=", str(wanted.kv_sep))


def records_of(hydra: DictConfig, cfg: DictConfig, overrides: list[str]) -> dict[Path, object]:
    """The files that Hydra leaves in a job's folder, as plain values."""
    if hydra.output_subdir is None:
        return {}
    folder = Path(hydra.output_subdir)
    return {
        folder / "config.yaml": OmegaConf.to_container(cfg),
        folder / "hydra.yaml": {"hydra": OmegaConf.to_container(hydra, enum_to_str=True)},
        folder / "overrides.yaml": overrides,
    }


def sets_value(override: Override) -> bool:
    """Whether an override gives a key that is there another value, and does nothing else."""
    does_more = override.is_add() or override.is_force_add() or override.is_delete()
    return not does_more and override.package is None
