"""Launchers, as Hydra insists on finding them in this namespace; what they do is in ``runner.sweep``.

Hydra imports this module at every start: what needs torch is imported when jobs are launched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

if TYPE_CHECKING:
    from runner.sweep.launch import StackedSweep

from runner.importing import without_collections
from runner.sweep.watch import Watch
from runner.task import Task


@dataclass
class StackedLauncherConf:
    """``hydra/launcher=stacked``."""

    _target_: str = "hydra_plugins.runner_launchers.StackedLauncher"


class StackedLauncher(Launcher):
    """Trains all jobs in this process, those that can as stacks.

    Attributes:
        composes_each_job: a job that can't be composed fails alone, so a sweeper need not try.
        watch: told a job, an epoch and the objective after it; says whether the job shall go on.
    """

    composes_each_job = True
    watch: Watch | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before the first launch."""
        self._context, self._task, self._config = hydra_context, task_function, config
        self._sweep: StackedSweep | None = None

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs; each returns its objective, NaN if it failed."""
        if not isinstance(self._task, Task):  # somebody else's function: nothing is known of it
            basic = BasicLauncher()
            basic.setup(hydra_context=self._context, task_function=self._task, config=self._config)
            return basic.launch(job_overrides, initial_job_idx)
        if self._sweep is None:
            with without_collections():
                from runner.sweep.launch import StackedSweep
            self._sweep = StackedSweep(self._context, self._task, self._task.command, self._config)
        return self._sweep.launch(job_overrides, initial_job_idx, self.watch)


ConfigStore.instance().store(
    group="hydra/launcher", name="stacked", node=StackedLauncherConf, provider="runner"
)
