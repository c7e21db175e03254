"""Launchers, as Hydra insists on finding them in this namespace; what they do is in ``runner.sweep``.

Hydra imports this module at every start: what needs torch is imported when jobs are launched.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, env_override
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from runner.errors import ConfigError, how_to_install
from runner.process.importing import without_collections
from runner.sweep.callback import SweepFolder
from runner.sweep.watch import Watch
from runner.task import Task

if TYPE_CHECKING:
    from runner.sweep.books.ledger import Ledger
    from runner.sweep.launch import StackedSweep


class SweepLauncher(Launcher):
    """Hands all jobs of a launch to a sweep, which lasts as long as the launcher.

    Attributes:
        composes_each_job: a job that can't be composed fails alone, so a sweeper need not try.
    """

    composes_each_job = True

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
        self._task.refuse_torchrun()
        with env_override(self._config.hydra.job.env_set):
            if self._sweep is None:
                self._sweep = self.make_sweep(self._task, self._start_books())
            return self._sweep.launch(job_overrides, initial_job_idx, self.told)

    def _start_books(self) -> "Ledger | None":
        """The sweep's books, if there will be any: first of all, as their process takes seconds to start."""
        from runner.sweep.books.ledger import Ledger

        if isinstance(self._config.sweep, DictConfig) and not self._config.sweep.get("dry_run"):
            SweepFolder.ledger = Ledger()
            SweepFolder.open.callback(SweepFolder.ledger.close)
        return SweepFolder.ledger

    @abstractmethod
    def make_sweep(self, task: Task, ledger: "Ledger | None") -> "StackedSweep":
        """What runs the jobs."""

    @property
    def told(self) -> Watch | None:
        """Who is told of each epoch."""
        return None


@dataclass
class StackedLauncherConf:
    """``hydra/launcher=stacked``."""

    _target_: str = "hydra_plugins.runner_launchers.StackedLauncher"


class StackedLauncher(SweepLauncher):
    """Trains all jobs in this process, those that can as stacks.

    Attributes:
        watch: told a job, an epoch and the objective after it; says whether the job shall go on.
    """

    watch: Watch | None = None

    def make_sweep(self, task: Task, ledger: "Ledger | None") -> "StackedSweep":
        """A sweep in this process."""
        with without_collections():
            from runner.sweep.launch import StackedSweep
        return StackedSweep(self._context, task, task.command, self._config, ledger)

    @property
    def told(self) -> Watch | None:
        """The watch."""
        return self.watch


@dataclass
class RayLauncherConf:
    """``hydra/launcher=ray``."""

    _target_: str = "hydra_plugins.runner_launchers.RayLauncher"
    address: str | None = None
    block: int = 16
    num_cpus: float = 1
    num_gpus: float = 0
    max_retries: int = 3


class RayLauncher(SweepLauncher):
    """Trains jobs on a Ray cluster, as stacks where they can be: a block of them a Ray task.

    Args:
        address: of the cluster (``auto``, ``<host>:6379``, ``ray://…``); null starts Ray on this machine.
        block: the most jobs that a task trains.
        num_cpus: cores that a task occupies, whose threads torch uses.
        num_gpus: GPUs that a task occupies.
        max_retries: how often a block may lose its worker and be trained anew.
    """

    def __init__(
        self, address: str | None, block: int, num_cpus: float, num_gpus: float, max_retries: int
    ) -> None:
        self._arguments = address, block, num_cpus, num_gpus, max_retries

    def make_sweep(self, task: Task, ledger: "Ledger | None") -> "StackedSweep":
        """A sweep over the cluster.

        Raises:
            ConfigError: if Ray is not installed, or the settings are wrong.
        """
        try:
            with without_collections():
                from runner.sweep.launchers.ray_launch import RaySettings, RaySweep
        except ModuleNotFoundError as error:
            if error.name != "ray":
                raise
            told = f"hydra/launcher=ray needs a package that is not there: {how_to_install('ray')}"
            raise ConfigError([told]) from error
        settings = RaySettings(*self._arguments)
        return RaySweep(self._context, task, task.command, self._config, ledger, settings)


for name, node in {"stacked": StackedLauncherConf, "ray": RayLauncherConf}.items():
    ConfigStore.instance().store(group="hydra/launcher", name=name, node=node, provider="runner")
