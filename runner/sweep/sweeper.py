"""What every sweeper does: it leaves Hydra's record and hands batches of jobs to the launcher."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from runner.config.compose import SWEEP_RECORD, key_of, typed_overrides
from runner.errors import ConfigError
from runner.process import atomic
from runner.sweep.points.space import Space, read_space
from runner.sweep.watch import Watch

PLUGINS, STORE, DATA_ROOT, MODE = "plugins", "tracking.uri", "data.root", "sweep.mode"

MAY_BE_SAID = ("sweep.", "tracking.", PLUGINS, DATA_ROOT)
"""How the keys begin that a command line may have beside ``sweep.resume`` and leave all else to the store."""


@runtime_checkable
class Watched(Protocol):
    """A launcher that tells of each epoch, if it is given somebody to tell."""

    watch: Watch | None


class BatchSweeper(Sweeper):
    """The part of a sweeper that does not depend on how values are chosen.

    Args:
        params: what to sweep beside the command line, as ``{key: 'a,b,c'}``; the command line wins.
    """

    def __init__(self, params: Mapping[str, str] | None) -> None:
        self.params = dict(params or {})

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before ``sweep``.

        Raises:
            ConfigError: if it continues a sweep whose plugins have changed.
            TrackingError: if there is no such sweep.
        """
        self.hydra_context = hydra_context
        self.config = config
        if self.setting("sweep.resume") is not None:
            from runner.sweep.resume import refuse_other_plugins  # imports mlflow

            refuse_other_plugins(str(config.sweep.resume), config)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    @property
    def folder(self) -> Path:
        """The sweep's."""
        assert self.config is not None
        return Path(self.config.hydra.sweep.dir)

    def setting(self, key: str) -> object:
        """A key of the config, as plain values; None where there is none: another program's config."""
        assert self.config is not None
        value = OmegaConf.select(self.config, key)
        return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value

    def space(self, arguments: Sequence[str]) -> Space:
        """What is swept.

        Raises:
            ConfigError: if a key cannot be swept, or not so.
        """
        assert self.hydra_context is not None
        declared = [f"{key}={value}" for key, value in self.params.items()]
        return read_space([*declared, *arguments], self.hydra_context.config_loader)

    def sampled_space(self, arguments: Sequence[str]) -> Space:
        """What is swept, by a sweeper that chooses each key's values by itself.

        Raises:
            ConfigError: if keys are to vary together, or none is swept.
        """
        if self.setting("sweep.zip"):
            raise ConfigError(["sweep.zip: is for hydra/sweeper=grid; others choose each key's values alone"])
        space = self.space(arguments)
        if not space.swept:
            raise ConfigError(["nothing is swept: give a key interval(…), range(…) or several values"])
        return space

    def resumed(self, arguments: Sequence[str]) -> Sequence[str]:
        """The arguments; those of the sweep that is continued if the command line has none of its own.

        Raises:
            ConfigError: if those name plug-ins, which are code, and the command line does not.
            TrackingError: if there is no such sweep.
        """
        assert self.config is not None
        sweep = self.setting("sweep.resume")
        own = [each for each in arguments if not key_of(each).startswith(MAY_BE_SAID)]
        if sweep is None or own:
            return arguments
        typed = [each for each in arguments if not key_of(each).startswith("sweep.")]
        said = [key_of(each) for each in typed]
        from runner.sweep.resume import recorded, refuse_more_than_values  # imports mlflow

        found = recorded(str(sweep), self.config).without([STORE, *said])
        data_root = str(self.setting(DATA_ROOT)) if DATA_ROOT in said else None
        refuse_more_than_values(found, data_root, has_plugins=PLUGINS in said)
        self.params = {**found.declared, **self.params}
        with read_write(self.config), open_dict(self.config):
            self.config.sweep.zip = found.zip
            if MODE not in map(key_of, arguments):
                self.config.sweep.mode = found.mode
            self.config.hydra.overrides.task = [*typed, *found.typed]
        return typed_overrides(self.config.hydra)

    def write_record(self) -> None:
        """Write the sweep's config down in its folder, as Hydra's own sweeper does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.write_private(self.folder / SWEEP_RECORD, OmegaConf.to_yaml(self.config))

    def launch(self, batch: Sequence[Sequence[str]], first_job: int) -> Sequence[JobReturn]:
        """Run a batch of jobs, numbered from ``first_job``.

        Raises:
            Exception: what a job raised, or composing it where the launcher does not answer for that.
        """
        assert self.launcher is not None
        if not getattr(self.launcher, "composes_each_job", False):
            self.validate_batch_is_legal(batch)
        returns = self.launcher.launch(batch, initial_job_idx=first_job)
        for returned in returns:
            _ = returned.return_value  # raises what the job raised
        return returns

    def launch_all(self, jobs: Sequence[Sequence[str]], batch_size: int | None) -> list[Sequence[JobReturn]]:
        """Run all jobs, at most ``batch_size`` at a time."""
        batches = []
        for first in range(0, len(jobs), batch_size or len(jobs)):
            batches.append(self.launch(jobs[first:][:batch_size], first))
        return batches


def check_at_least(least: int, settings: Mapping[str, int | None]) -> None:
    """Refuse the sweeper's settings that are below ``least``; None says nothing.

    Raises:
        ConfigError: naming each.
    """
    problems = [
        f"hydra.sweeper.{name}: {value} should be {least} or more"
        for name, value in settings.items()
        if value is not None and value < least
    ]
    if problems:
        raise ConfigError(problems)
