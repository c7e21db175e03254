"""What Hydra calls for each job, whichever launcher calls it, in this process or in another."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from runner.config.compose import in_sweep, keep_records_private, launch_of, refuse_swept_store, to_plain
from runner.errors import ConfigError
from runner.process.importing import without_collections
from runner.process.signals import Terminated, raise_on_signals, raise_when_requeued

if TYPE_CHECKING:
    from runner.process.parallel import Workers  # imports torch


@dataclass
class Task:
    """A job's function.

    Attributes:
        command: the command line that started it.
        workers: who trains together with this process, if anybody does.
        failures: why a single run failed: from here, Hydra would tell it in its own way.
        process: the id of the one that read the command line.
    """

    command: str
    workers: "Workers | None" = None
    failures: list[Exception] = field(default_factory=list)
    process: int = field(default_factory=os.getpid)

    def __call__(self, cfg: DictConfig) -> float:
        """Run the job; returns its objective, NaN if it failed."""
        if os.getpid() != self.process:  # a launcher's own, which has been told nothing of signals
            raise_on_signals()
            raise_when_requeued()
        node = HydraConfig.get()
        keep_records_private(node)
        refuse_swept_store(node)
        if in_sweep(node):
            self.refuse_torchrun()
            with without_collections():
                from runner.sweep.launchers.job import run_job
            try:
                return run_job(cfg, node, self.command)
            except Terminated as signal:
                if isinstance(signal.__cause__, SystemExit):
                    raise signal.__cause__ from None  # whose code tells submitit to start the job anew
                raise
        try:
            return self._run_single(cfg, node)
        except Exception as error:
            self.failures.append(error)
            return math.nan

    def refuse_torchrun(self) -> None:
        """Refuse a sweep where torchrun has started several processes.

        Raises:
            ConfigError: if it has.
        """
        if self.workers:
            raise ConfigError(["torchrun trains one model over several processes: no -m beside it"])

    def _run_single(self, cfg: DictConfig, node: HydraConf) -> float:
        with without_collections():
            from runner.config.check import check

            config = check(to_plain(cfg))  # before mlflow is imported: a mistake is told seconds sooner
            from runner.experiment import run
            from runner.process.parallel import ALONE
            from runner.tracking.terminal import Terminal

        launch = launch_of(node, Path(node.runtime.output_dir), self.command)
        return run(config, launch, Terminal(), self.workers or ALONE).objective
