"""One job of a sweep whose launcher runs jobs one by one: it never takes the others down."""

import logging
import math
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from hydra.conf import HydraConf
from omegaconf import DictConfig
from torch import device

from runner.config.check import Config, check
from runner.config.compose import launch_of, sweep_folder, to_plain, typed_overrides
from runner.config.plain import Plain
from runner.config.schema import Sweep
from runner.errors import ConfigError, TrackingError
from runner.experiment import Result, run
from runner.prepare import load
from runner.process.launch import Launch
from runner.process.masking import masked_words
from runner.process.parallel import ALONE
from runner.sweep.books.lost import at_work
from runner.sweep.books.parent import find, join
from runner.sweep.record import JobResult, add_result, found, read_results
from runner.sweep.same_data import has_changed, refuse_changed
from runner.sweep.settings import own_settings
from runner.tracking.finished import FinishedRun, find_finished
from runner.tracking.outcome import reason_of
from runner.tracking.store import connect, told_as_tracking_error
from runner.tracking.terminal import OneLine
from runner.tracking.tracker import Tracker

log = logging.getLogger(__name__)


class NotWanted(Exception):  # noqa: N818 (nothing is wrong with the job)
    """A job is not to be run after all; says why."""


def run_job(cfg: DictConfig, hydra: HydraConf, command: str) -> float:
    """Run a job and write down what it came to.

    Returns the objective; NaN if the job failed, since an exception would end Hydra's sweep after the
    current batch of jobs.
    """
    folder = sweep_folder(hydra)
    job, overrides = int(hydra.job.num), typed_overrides(hydra)
    try:
        launch = launch_of(hydra, Path(hydra.runtime.output_dir), command)
        with at_work(folder, job):
            result = result_of(folder, cfg, launch, job, overrides)
    except NotWanted as reason:
        print(f"{masked_words(overrides)}: {reason}", flush=True)
        return math.nan
    except (Exception, SystemExit) as error:
        result = JobResult(job, overrides, "FAILED", reason_of(error))
        print(f"{masked_words(overrides)}: FAILED: {result.reason}", flush=True)
    except BaseException as error:
        add_result(folder, JobResult(job, overrides, "KILLED", reason_of(error)))
        raise
    add_result(folder, result)
    return math.nan if result.objective is None else result.objective


def result_of(folder: Path, cfg: DictConfig, launch: Launch, job: int, overrides: list[str]) -> JobResult:
    """What a job comes to, under the sweep's parent; a wrong config leaves a FAILED child.

    Raises:
        NotWanted: if it is not to be run.
        RunnerError: if it fails.
    """
    plain = to_plain(cfg)
    settings, _ = own_settings(cfg)
    if settings.dry_run:
        raise NotWanted(preview(plain))
    if settings.fail_fast and any(result.status == "FAILED" for result in read_results(folder)):
        raise NotWanted("not started: another job has failed, and sweep.fail_fast is true")
    launch = replace(launch, parent=join(folder, plain, launch, settings.resume))
    store = StoreOfSweep(folder)
    if store.is_over:
        raise NotWanted("not started: the sweep has been stopped")
    try:
        config = check(plain)
        known = store.finished(config, settings)
        if known is not None and counts(known, config, settings):
            print(f"{masked_words(overrides)}: FINISHED already  run {known.run_id}", flush=True)
            return found(job, overrides, known, config.objective)
        return finished(job, overrides, run(config, launch, OneLine()), config.objective)
    except ConfigError as error:
        leave_failed_child(plain, launch, error)
        raise


def counts(run: FinishedRun, config: Config, settings: Sweep) -> bool:
    """Whether a run need not be done again: not if it was on other data.

    Raises:
        ConfigError: if a sweep is continued whose data have changed, and that is not allowed.
    """
    if settings.data_changed == "allow":
        return True
    data = partial(load, config, device("cpu"), ALONE)
    if not settings.skip_finished:
        refuse_changed(run, data)
    return not has_changed(run, data)


def preview(plain: Plain) -> str:
    """What is to be told of a job in a dry run."""
    try:
        check(plain)
    except ConfigError as error:
        return str(error)
    return "nothing was started"


class StoreOfSweep:
    """What the store says of a sweep whose parent run is there.

    All methods raise a TrackingError if the store cannot be used.

    Args:
        folder: the sweep's.
    """

    def __init__(self, folder: Path) -> None:
        self._parent = find(folder)
        self._client = connect(self._parent.uri)

    @property
    def is_over(self) -> bool:
        """Whether whoever started the sweep has ended it: a job may come late, from a queue."""
        with told_as_tracking_error(self._parent.uri):
            return bool(self._client.get_run(self._parent.run_id).info.status != "RUNNING")

    def finished(self, config: Config, settings: Sweep) -> FinishedRun | None:
        """The run that a config has already, if such are not to be run again."""
        if not (settings.resume or settings.skip_finished):
            return None
        sweep = None if settings.skip_finished else settings.resume
        with told_as_tracking_error(self._parent.uri):
            return find_finished(
                self._client, self._parent.experiment_id, config.hash, config.objective, sweep
            )


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
        data=result.data,
    )


def leave_failed_child(plain: Plain, launch: Launch, error: ConfigError) -> None:
    """Show a job that could not start in the store."""
    try:
        with suppress(ConfigError), Tracker(plain, launch, tags={}):
            raise error
    except TrackingError as second:
        log.warning("the failed job is not in the store: %s", second)
