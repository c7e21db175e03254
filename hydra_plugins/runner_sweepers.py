"""Sweepers, as Hydra insists on finding them in this namespace; what they do is in ``runner.sweep``.

Hydra imports this module at every start: what needs scipy or Optuna is imported when a sweep begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn

from runner.errors import ConfigError, how_to_install
from runner.sweep.optimize.settings import OptunaSettings
from runner.sweep.points.grid import grid, zip_groups
from runner.sweep.sweeper import BatchSweeper, check_at_least

Batches = list[Sequence[JobReturn]]


@dataclass
class GridSweeperConf:
    """``hydra/sweeper=grid``."""

    _target_: str = "hydra_plugins.runner_sweepers.GridSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default_factory=dict)


class GridSweeper(BatchSweeper):
    """Every combination of the swept values, keys in ``sweep.zip`` counting as one."""

    def __init__(self, max_batch_size: int | None, params: Mapping[str, str] | None = None) -> None:
        super().__init__(params)
        self.max_batch_size = max_batch_size

    def sweep(self, arguments: Sequence[str]) -> Batches:
        """Run all combinations; returns what each batch of jobs came to."""
        check_at_least(1, {"max_batch_size": self.max_batch_size})
        space = self.space(self.resumed(arguments))
        jobs = grid(space, zip_groups(self.setting("sweep.zip") or []))
        self.write_record()
        return self.launch_all(jobs, self.max_batch_size)


@dataclass
class RandomSweeperConf:
    """``hydra/sweeper=random``."""

    _target_: str = "hydra_plugins.runner_sweepers.RandomSweeper"
    trials: int = 16
    seed: int = 0
    sampler: str = "random"
    max_batch_size: int | None = None
    params: dict[str, str] | None = field(default_factory=dict)


class RandomSweeper(BatchSweeper):
    """So many points of the space, drawn at random or from a sequence that fills it evenly."""

    def __init__(
        self,
        trials: int,
        seed: int,
        sampler: str,
        max_batch_size: int | None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(params)
        self.trials, self.seed, self.sampler = trials, seed, sampler
        self.max_batch_size = max_batch_size

    def sweep(self, arguments: Sequence[str]) -> Batches:
        """Run a job a point, in a dry run of the first batch alone."""
        from runner.sweep.points.sampling import sample

        check_at_least(1, {"trials": self.trials, "max_batch_size": self.max_batch_size})
        check_at_least(0, {"seed": self.seed})
        jobs = sample(self.sampled_space(arguments), self.trials, self.sampler, self.seed)
        self.write_record()
        if self.setting("sweep.dry_run"):
            jobs = jobs[: self.max_batch_size]
        return self.launch_all(jobs, self.max_batch_size)


@dataclass
class OptunaSweeperConf:
    """``hydra/sweeper=optuna``."""

    _target_: str = "hydra_plugins.runner_sweepers.OptunaSweeper"
    _convert_: str = "all"
    trials: int = 64
    batch_size: int | None = None
    sampler: Any = "tpe"
    seed: int = 0
    pruner: Any = "none"
    storage: str | None = None
    study_name: str | None = None
    direction: Any = None
    objectives: list[str] | None = None
    params: dict[str, str] | None = field(default_factory=dict)


class OptunaSweeper(BatchSweeper):
    """Batches of trials, each chosen by what the ones before came to."""

    def __init__(
        self,
        trials: int,
        batch_size: int | None,
        sampler: str | Mapping[str, Any],
        seed: int,
        pruner: str | Mapping[str, Any],
        storage: str | None,
        study_name: str | None,
        direction: str | Sequence[str] | None,
        objectives: Sequence[str] | None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(params)
        self.settings = OptunaSettings(
            trials=trials,
            batch_size=batch_size,
            sampler=sampler,
            seed=seed,
            pruner=pruner,
            storage=storage,
            study_name=study_name,
            direction=direction,
            objectives=objectives,
        )

    def sweep(self, arguments: Sequence[str]) -> Batches:
        """Have the study's missing trials.

        Raises:
            ConfigError: if Optuna is not installed, or the settings are wrong.
        """
        try:
            from runner.sweep.optimize.run import optimize
        except ModuleNotFoundError as error:
            if error.name != "optuna":
                raise
            told = f"hydra/sweeper=optuna needs a package that is not there: {how_to_install('optuna')}"
            raise ConfigError([told]) from error
        return optimize(self, self.settings, arguments)


for name, node in {"grid": GridSweeperConf, "random": RandomSweeperConf, "optuna": OptunaSweeperConf}.items():
    ConfigStore.instance().store(group="hydra/sweeper", name=name, node=node, provider="runner")
