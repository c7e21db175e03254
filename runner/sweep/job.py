"""One job of a plain Hydra sweep: it never takes the others down."""

import json
import logging
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hydra.conf import HydraConf
from omegaconf import DictConfig
from pydantic import ValidationError

from runner.compose import launch_of, sweep_folder, to_plain, typed_overrides
from runner.config import check
from runner.errors import ConfigError, TrackingError
from runner.experiment import Result, run
from runner.launch import Launch
from runner.plain import Plain
from runner.schema import Tracking
from runner.sweep.parent import join
from runner.sweep.record import JobResult, add_result
from runner.tracking.outcome import reason_of
from runner.tracking.terminal import OneLine
from runner.tracking.tracker import Tracker

log = logging.getLogger(__name__)


def run_job(cfg: DictConfig, hydra: HydraConf, command: str) -> float:
    """Run a job and write down what it came to.

    Returns the objective; NaN if the job failed, since an exception would end Hydra's sweep after the
    current batch of jobs.
    """
    folder = sweep_folder(hydra)
    job, overrides = int(hydra.job.num), typed_overrides(hydra)
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
    add_result(folder, finished(job, overrides, result, to_plain(cfg)["objective"]))
    return result.objective


def finished(job: int, overrides: list[str], result: Result, objective: str) -> JobResult:
    """What a job that went well came to."""
    return JobResult(
        job,
        overrides,
        "FINISHED",
        run_id=result.run_id,
        objective=result.objective,
        metrics=result.epochs[-1].metrics | result.final,
        curve=[epoch.metrics[objective] for epoch in result.epochs],
    )


def run_as_child(folder: Path, cfg: DictConfig, launch: Launch) -> Result:
    """Run under the sweep's parent; a wrong config leaves a FAILED child."""
    plain = to_plain(cfg)
    try:
        config = check(plain)
        return run(config, replace(launch, parent=join(folder, plain, launch)), OneLine())
    except ConfigError as error:
        leave_failed_child(folder, plain, launch, error)
        raise


def leave_failed_child(folder: Path, plain: Plain, launch: Launch, error: ConfigError) -> None:
    """Show a job that could not start in the store, if the config at least says which store that is."""
    try:
        Tracking.model_validate_json(json.dumps(plain.get("tracking")))
        launch = replace(launch, parent=join(folder, plain, launch))
        with suppress(ConfigError), Tracker(plain, launch, tags={}):
            raise error
    except (ValidationError, TrackingError) as second:
        log.warning("the failed job is not in the store: %s", second)
