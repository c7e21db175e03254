"""A sweep's jobs, from their overrides to their results, trained as fast as this machine can."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from hydra.core.utils import JobReturn, configure_log
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from runner.config.compose import refuse_swept_store, sweep_folder
from runner.errors import RunnerError
from runner.sweep.books.ledger import Ledger
from runner.sweep.books.messages import Found, Start
from runner.sweep.datasets import Datasets
from runner.sweep.dry_run import show
from runner.sweep.jobs import Job, Problem, check_all
from runner.sweep.kept_blocks import blocks_of, going_on, note
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.plans import make_plans
from runner.sweep.points.cells import Composer
from runner.sweep.progress import Progress
from runner.sweep.record import JobResult, add_result, found
from runner.sweep.returns import as_return
from runner.sweep.same_data import has_changed, refuse_changed
from runner.sweep.settings import own_settings
from runner.sweep.train import carry_out, plan
from runner.sweep.watch import Watch
from runner.tracking.console import numbers
from runner.tracking.finished import FinishedRun, InterruptedRun
from runner.tracking.sweep_display import SweepDisplay

log = logging.getLogger(__name__)


class StackedSweep:
    """What the launches of one sweep share: its settings, its books, data that has been read.

    Args:
        context: Hydra's.
        task: what a launcher would call for each job; it is only told to callbacks.
        command: the command line that started the sweep.
        master: the sweep's config.
        ledger: its books, not open yet; None if it is only to be shown.

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
    ) -> None:
        refuse_swept_store(master.hydra)
        self._context, self._task, self._command, self._master = context, task, command, master
        self._settings, self._plain = own_settings(master)
        self._folder = sweep_folder(master.hydra)
        self._composer = Composer(context.config_loader, master)
        self._datasets = Datasets()
        self._display = SweepDisplay(self._plain["objective"])
        self._ledger = ledger
        self._names: dict[int, str] = {}
        self._home = self._folder
        self._interrupted: frozenset[int] = frozenset()
        if ledger is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            ledger.open(Start(self._folder, self._plain, self._settings.resume), self._tell_ended)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], first: int, watch: Watch | None
    ) -> list[JobReturn]:
        """Run jobs and return what each came to, in their order.

        Args:
            job_overrides: each job's.
            first: the first job's number.
            watch: says which job shall go on.

        Raises:
            RunnerError: if the store cannot be used, or a job failed and that is to stop the sweep.
        """
        configure_log(self._master.hydra.hydra_logging, self._master.hydra.verbose)
        cells = self._composer.cells(job_overrides, first)
        jobs, problems = check_all(cells, self._command)
        self._names |= {job.number: job.name for job in jobs}
        self._names |= {problem.number: problem.name for problem in problems}
        ledger = self._ledger
        if ledger is None:
            self._show(jobs, problems)
            return [as_return(cell, None) for cell in cells]
        for cell in cells:
            self._context.callbacks.on_job_start(config=cell.composed, task_function=self._task)
        results, jobs = self._known(jobs, ledger)
        results |= self._run(jobs, results.keys(), problems, ledger, watch)
        returns = [as_return(cell, results[cell.job].objective) for cell in cells]
        for cell, each in zip(cells, returns, strict=True):
            self._context.callbacks.on_job_end(config=cell.composed, job_return=each)
        return returns

    def _run(
        self,
        all_jobs: Sequence[Job],
        done: Collection[int],
        problems: Sequence[Problem],
        ledger: Ledger,
        watch: Watch | None,
    ) -> dict[int, JobResult]:
        """Train jobs that are not done; gives what they came to, and those that can't be trained.

        It is in the store then.
        """
        jobs = [job for job in all_jobs if job.number not in done]
        stop = Stop()
        progress = Progress(ledger, self._display, watch, stop, self._settings.fail_fast)
        try:
            for problem in problems:
                if not stop.is_wished:
                    progress.reject(problem)
            train = self._prepare([] if stop.is_wished else jobs, all_jobs, progress, ledger, stop)
            with self._display:
                self._display.start(len(jobs), sum(job.config.train.epochs for job in jobs))
                train()
                if stop.is_wished:
                    raise RunnerError("stopped at the first job that failed: sweep.fail_fast is true")
                told = [job.number for job in jobs] + [problem.number for problem in problems]
                results = ledger.results(told)
        except BaseException as reason:
            if not ledger.is_lost:
                progress.end_the_rest(reason)
            raise
        return {result.job: result for result in results}

    def _show(self, jobs: Sequence[Job], problems: Sequence[Problem]) -> None:
        """What a dry run shows."""
        ready, _ = self._datasets.split(jobs)
        show(jobs, problems, make_plans(ready, self._datasets, self._settings.mode, Stop()))

    def _known(self, jobs: Sequence[Job], ledger: Ledger) -> tuple[dict[int, JobResult], list[Job]]:
        """The results of jobs that need not be run again, and all jobs, some of them with runs that go on."""
        if not (self._settings.resume or self._settings.skip_finished):
            return {}, list(jobs)
        in_sweep = not self._settings.skip_finished
        answer = ledger.find([job.config.hash for job in jobs], in_sweep)
        begun, self._home = answer.interrupted, answer.home or self._home
        runs = self._on_the_same_data(jobs, answer)
        done = {}
        for job in jobs:
            run = runs.get(job.config.hash)
            if run is not None:
                result = found(job.number, job.cell.overrides, run, job.config.objective)
                done[job.number] = result
                add_result(self._folder, result)
                self._tell_ended(result)
        log.info("%d of %d jobs are FINISHED already", len(done), len(jobs))
        missing = [job for job in jobs if job.number not in done]
        self._interrupted = frozenset(job.number for job in missing if job.config.hash not in answer.failed)
        return done, [gone_on(job, begun.get(job.config.hash)) for job in jobs]

    def _on_the_same_data(self, jobs: Sequence[Job], answer: Found) -> dict[str, FinishedRun]:
        """The FINISHED runs, by their configs' hashes, that count for jobs.

        Raises:
            ConfigError: if a sweep is continued whose data have changed, and that is not allowed.
        """
        runs = dict(answer.runs)
        if self._settings.data_changed == "allow":
            return runs
        for job in jobs:
            load = partial(self._datasets.of, job)
            known = runs.get(job.config.hash) or answer.interrupted.get(job.config.hash)
            if known is None:
                continue
            if not self._settings.skip_finished:
                refuse_changed(known, load)
            elif has_changed(known, load):
                del runs[job.config.hash]
        return runs

    def _prepare(
        self, jobs: Sequence[Job], all_jobs: Sequence[Job], progress: Progress, ledger: Ledger, stop: Stop
    ) -> Callable[[], None]:
        """Find out how to train jobs; gives what trains them to their ends, of which the ledger is told.

        Args:
            jobs: those to train.
            all_jobs: those, and others that have results already.
            progress: told of failures.
            ledger: the books.
            stop: ends it.
        """
        blocks = list(going_on(self._home, all_jobs, self._interrupted)) if jobs else []
        placed = {job.number for block in blocks for job in block.jobs}
        rest = [job for job in jobs if job.number not in placed]
        blocks += blocks_of(plan(rest, self._datasets, self._settings.mode, progress, stop), self._home)
        note(self._home, blocks)
        return partial(carry_out, blocks, self._datasets, progress, stop)

    def _tell_ended(self, result: JobResult) -> None:
        told = result.reason or f"{numbers(result.metrics)}  run {result.run_id}"
        if result.pruned is not None:
            told = f"after epoch {result.pruned}: {told}"
        self._display.ended(result.job, self._names[result.job], result.outcome, told)


def gone_on(job: Job, run: InterruptedRun | None) -> Job:
    """A job that goes on in the run that it had, if it had one."""
    if run is None:
        return job
    return replace(job, run_id=run.run_id, launch=replace(job.launch, folder=run.folder))
