"""A sweep over a Ray cluster: each Ray task trains a block of jobs that share a program.

Workers keep no books: they stream what they would write, and the one ledger of the sweep, beside the process
that started it, writes it. So no worker has to reach the store, and who has lost a worker knows which runs it
left open.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ray
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig
from ray.exceptions import (
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from runner.errors import ConfigError, RunnerError, first_line
from runner.process.masking import masked_words
from runner.process.signals import uninterrupted
from runner.sweep.books.ledger import Ledger, now
from runner.sweep.books.messages import Ended, Measured, Opened, ToBooks
from runner.sweep.callback import SweepFolder
from runner.sweep.jobs import Job, Problem, groups
from runner.sweep.launch import StackedSweep
from runner.sweep.launchers.ray_worker import Order, Terms, work
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.way import Way
from runner.sweep.progress import Progress, opened
from runner.sweep.record import JobResult
from runner.tracking.outcome import Failure, Status
from runner.tracking.sweep_display import SweepDisplay

log = logging.getLogger(__name__)

LOST = (WorkerCrashedError, NodeDiedError, OutOfMemoryError, ObjectLostError)
"""What Ray raises when a task's process or host has gone, through no fault of the task's."""

INTERVAL = 0.2
"""Seconds between two looks at what has come in."""

OBJECT_STORE = 80 * 2**20
"""Bytes of shared memory for a Ray of our own, about the least that Ray takes: messages are small."""


@dataclass(frozen=True)
class RaySettings:
    """The launcher's settings.

    Attributes:
        address: of the cluster; a Ray of our own, on this machine, if that is None.
        block: the most jobs that a task trains.
        num_cpus: cores that a task occupies, whose threads torch uses.
        num_gpus: GPUs that a task occupies.
        max_retries: how often a block may lose its worker and be trained anew.

    Raises:
        ConfigError: if one is out of range.
    """

    address: str | None
    block: int
    num_cpus: float
    num_gpus: float
    max_retries: int

    def __post_init__(self) -> None:
        problems = [
            f"hydra.launcher.{name}: {value} should be {least} or more"
            for name, value, least in (
                ("block", self.block, 1),
                ("num_gpus", self.num_gpus, 0),
                ("max_retries", self.max_retries, 0),
            )
            if value < least
        ]
        if self.num_cpus <= 0:
            problems.append(f"hydra.launcher.num_cpus: {self.num_cpus} should be greater than 0")
        if problems:
            raise ConfigError(problems)

    @property
    def threads(self) -> int:
        """How many threads torch may use in a task."""
        return max(1, int(self.num_cpus))

    def blocks(self, jobs: Sequence[Job], tasks: int) -> list[Sequence[Job]]:
        """Blocks of jobs that share a program; ``tasks`` of each program, if it has as many jobs."""
        way = Way(self.block, tasks, self.threads)
        return [block for group in groups(jobs) for block in way.blocks(group)]


class RaySweep(StackedSweep):
    """A sweep whose jobs are trained by a Ray cluster.

    Args:
        context: Hydra's.
        task: what a launcher would call for each job; it is only told to callbacks.
        command: the command line that started the sweep.
        master: the sweep's config.
        ledger: its books, not open yet; None if it is only to be shown.
        ray_settings: the launcher's settings.

    Raises:
        ConfigError: if the sweep's own settings are wrong.
    """

    def __init__(
        self,
        context: HydraContext,
        task: TaskFunction,
        command: str,
        master: DictConfig,
        ledger: Ledger | None,
        ray_settings: RaySettings,
    ) -> None:
        super().__init__(context, task, command, master, ledger)
        self._ray_settings = ray_settings

    def _show(self, jobs: Sequence[Job], problems: Sequence[Problem]) -> None:
        blocks = self._ray_settings.blocks(jobs, tasks=1)
        for place, block in enumerate(blocks, 1):
            for job in block:
                print(f"task {place}, job {job.number}: {masked_words(job.cell.overrides)}")
        for problem in problems:
            print(f"no task, job {problem.cell.job}: {problem.name}: {problem.error}")
        print(f"{len(jobs) + len(problems)} jobs in {len(blocks)} Ray tasks or more; nothing was started")

    def _prepare(
        self, jobs: Sequence[Job], all_jobs: Sequence[Job], progress: Progress, ledger: Ledger, stop: Stop
    ) -> Callable[[], None]:
        """Cut jobs into blocks; gives what trains them to their ends, of which the ledger is told."""
        connect(self._ray_settings.address)
        tasks = tasks_at_once(self._ray_settings)
        blocks = [Block(list(each)) for each in self._ray_settings.blocks(jobs, tasks)]
        log.info("%d jobs in %d Ray tasks, %d at once", len(jobs), len(blocks), tasks)
        terms = Terms(Path.cwd(), self._ray_settings.threads, self._settings.mode, self._settings.fail_fast)
        dispatch = Dispatch(self._ray_settings, terms, ledger, self._display, stop)
        return partial(dispatch.run, blocks)


def connect(address: str | None) -> None:
    """Be a driver of the cluster at ``address``, or of a Ray of our own; once a process.

    Raises:
        RunnerError: if there is no such cluster.
    """
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers
    own: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
    try:
        with uninterrupted():  # which gives back the handlers that Ray replaces by its own
            ray.init(address or "local", logging_level=logging.WARNING, **({} if address else own))
    except (ConnectionError, ValueError) as error:
        raise RunnerError(
            f"hydra.launcher.address: '{address}' cannot be used: {first_line(error)}"
        ) from error
    SweepFolder.open.callback(ray.shutdown)


def tasks_at_once(settings: RaySettings) -> int:
    """How many tasks the cluster has room for, as it is now.

    Raises:
        ConfigError: if a Ray of our own, which will not grow, has no room for one.
    """
    there = ray.cluster_resources()
    wanted = {"CPU": settings.num_cpus, "GPU": settings.num_gpus}
    room = {name: int(there.get(name, 0) // amount) for name, amount in wanted.items() if amount}
    scarce = [name for name, count in room.items() if not count]
    if scarce and settings.address is None:
        raise ConfigError(
            f"hydra.launcher.num_{name.lower()}s: {wanted[name]:g} is more than there is, "
            f"{there.get(name, 0):g}"
            for name in scarce
        )
    return max(1, min(room.values()))


@dataclass
class Block:
    """Jobs that one task trains: those that have not ended.

    Attributes:
        jobs: the jobs.
        begun: the numbers of those whose runs are open.
        lost: how often the worker was lost.
    """

    jobs: list[Job]
    begun: set[int] = field(default_factory=set)
    lost: int = 0


class Dispatch:
    """Gives blocks to workers, hands on what they tell, and starts anew what they lose.

    Args:
        settings: the launcher's.
        terms: what workers are told beside their jobs.
        ledger: told everything.
        display: shown each epoch.
        stop: ends it; wished for when a job fails, if that is to stop all.
    """

    def __init__(
        self, settings: RaySettings, terms: Terms, ledger: Ledger, display: SweepDisplay, stop: Stop
    ) -> None:
        self._settings, self._terms = settings, terms
        self._ledger, self._display, self._stop = ledger, display, stop
        self._streams: dict[ray.ObjectRefGenerator, Block] = {}
        self._task = ray.remote(work).options(
            num_cpus=settings.num_cpus,
            num_gpus=settings.num_gpus,
            max_retries=0,  # what a lost worker leaves has to be ended first
        )

    def run(self, blocks: Sequence[Block]) -> None:
        """Return when all jobs have ended, or ``stop`` is wished for."""
        try:
            for block in blocks:
                self._start(block)
            while self._streams and not self._stop.is_wished:
                streams = list(self._streams)
                ready, _ = ray.wait(streams, num_returns=len(streams), timeout=INTERVAL)
                for stream in ready:
                    self._listen(stream)
        finally:
            for stream in self._streams:
                ray.cancel(stream, force=True)

    def _start(self, block: Block) -> None:
        orders = [Order(job.cell, job.launch) for job in block.jobs]
        self._streams[self._task.remote(orders, self._terms)] = block

    def _listen(self, stream: ray.ObjectRefGenerator) -> None:
        """Hear a batch of messages, or that there are no more, or that there is nobody to tell more."""
        block = self._streams[stream]
        try:
            for message in ray.get(next(stream)):
                self._hand_on(message, block)
        except StopIteration:
            del self._streams[stream]
        except LOST as error:
            del self._streams[stream]
            self._restart(block, error)
        except RayError as error:
            del self._streams[stream]
            cause = error.cause if isinstance(error, RayTaskError) else error
            self._end(block.jobs, block, "FAILED", Failure.of(cause))

    def _hand_on(self, message: ToBooks, block: Block) -> None:
        self._ledger.tell(message)
        if isinstance(message, Opened):
            block.begun.add(message.job)
        elif isinstance(message, Measured):
            self._show(message, block)
        elif isinstance(message, Ended):
            block.jobs = [job for job in block.jobs if job.number != message.result.job]
            self._heed(message.result.status)

    def _show(self, message: Measured, block: Block) -> None:
        for job in block.jobs:
            objective = message.metrics.get(job.number, {}).get(job.config.objective)
            if objective is not None:
                self._display.epoch(job.number, job.name, message.step, job.config.train.epochs, objective)

    def _restart(self, block: Block, error: RayError) -> None:
        """Train a block anew whose worker was lost, unless that has happened too often."""
        block.lost += 1
        failure = Failure("its worker was lost", str(error))
        log.warning("the worker of jobs %s was lost: %s", [job.number for job in block.jobs], error)
        if block.lost > self._settings.max_retries:
            self._end(block.jobs, block, "FAILED", failure)
            return
        begun = [job for job in block.jobs if job.number in block.begun]
        self._end(begun, block, "KILLED", failure)
        self._ledger.results([job.number for job in begun])  # the new runs come after the old ones' ends
        block.begun.clear()
        self._start(block)

    def _end(self, jobs: Sequence[Job], block: Block, status: Status, failure: Failure) -> None:
        """End jobs whose worker says nothing any more."""
        for job in jobs:
            if job.number not in block.begun:
                self._ledger.tell(opened(job, "not at all"))
            result = JobResult(job.number, job.cell.overrides, status, failure.reason)
            self._ledger.tell(Ended(result, failure, f"{failure.reason}\n", now()))
            self._heed(status)

    def _heed(self, status: Status) -> None:
        if status == "FAILED" and self._terms.fail_fast:
            self._stop.wish()
