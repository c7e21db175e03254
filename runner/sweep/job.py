"""One job of a plain Hydra sweep: it never takes the others down."""

import math
from dataclasses import replace
from pathlib import Path

from hydra.conf import HydraConf
from omegaconf import DictConfig

from runner.compose import launch_of, to_plain
from runner.config import check
from runner.errors import ConfigError
from runner.experiment import Result, run
from runner.launch import Launch
from runner.sweep.parent import join
from runner.sweep.record import JobResult, add_result
from runner.tracking.terminal import OneLine
from runner.tracking.tracker import Tracker, reason_of


def run_job(cfg: DictConfig, hydra: HydraConf, command: str) -> float:
    """Run a job and write down what it came to.

    Returns the objective; NaN if the job failed, since an exception would end Hydra's sweep after the
    current batch of jobs.
    """
    folder = Path(hydra.sweep.dir)
    job, overrides = int(hydra.job.num), list(hydra.overrides.task)
    try:
        launch = launch_of(hydra, Path(hydra.runtime.output_dir), command)
        result = run_as_child(folder, cfg, launch)
    except (Exception, SystemExit) as error:
        add_result(folder, JobResult(job, overrides, "FAILED", reason_of(error)))
        print(f"{' '.join(overrides)}: FAILED: {reason_of(error)}", flush=True)
        return math.nan
    except BaseException as error:
        add_result(folder, JobResult(job, overrides, "KILLED", reason_of(error)))
        raise
    add_result(folder, JobResult(job, overrides, "FINISHED", None, result.run_id, result.objective))
    return result.objective


def run_as_child(folder: Path, cfg: DictConfig, launch: Launch) -> Result:
    """Run under the sweep's parent; a wrong config leaves a FAILED child."""
    plain = to_plain(cfg)
    launch = replace(launch, parent=join(folder, plain, launch))
    try:
        return run(check(plain), launch, OneLine())
    except ConfigError:
        with Tracker(plain, launch, tags={}):
            raise
