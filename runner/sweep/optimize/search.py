"""Ask a study for a batch of trials, train them together, tell it what they came to; and again."""

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import optuna
from hydra.core.utils import JobReturn
from optuna.trial import Trial, TrialState

from runner.errors import ConfigError, unknown
from runner.sweep.optimize.parts import distribution, text_of
from runner.sweep.optimize.study import fail_unfinished
from runner.sweep.points.space import Space
from runner.sweep.record import read_results

Launch = Callable[[Sequence[Sequence[str]], int], Sequence[JobReturn]]
"""Runs a batch of jobs, given by their overrides and the first one's number."""

Measure = Callable[[int, JobReturn], Sequence[float]]
"""What a job came to: a value an objective; NaN or nothing if it failed."""


class Search:
    """The trials of one sweep.

    Args:
        study: to ask and to tell.
        space: what the trials vary.
        launch: runs jobs.
        measure: says what they came to.
    """

    def __init__(self, study: optuna.Study, space: Space, launch: Launch, measure: Measure) -> None:
        self.study, self.space = study, space
        self.launch, self.measure = launch, measure
        self.distributions = {key: distribution(value) for key, value in space.swept.items()}
        self.running: dict[int, Trial] = {}
        self.pruned: set[int] = set()
        self.ended: set[int] = set()
        self.lock = threading.Lock()

    def run(self, trials: int, batch_size: int, first_batch: int | None = None) -> list[Sequence[JobReturn]]:
        """Have ``trials`` more trials, a batch at a time; return each batch's jobs.

        Args:
            trials: how many.
            batch_size: how many at a time, at most.
            first_batch: how many at first; as many as later if left out.
        """
        returns: list[Sequence[JobReturn]] = []
        first, size = 0, min(first_batch or batch_size, batch_size)
        try:
            while first < trials:
                returns.append(self.batch(first, min(size, trials - first)))
                first, size = first + len(self.running), batch_size
            return returns
        finally:  # Ctrl-C and all else that keeps a trial from its end
            fail_unfinished(self.study)

    def ask(self, first: int, size: int) -> list[list[str]]:
        """The overrides of the next trials, which become the jobs from ``first`` on."""
        self.running = {first + i: self.study.ask(self.distributions) for i in range(size)}
        jobs = []
        for trial in self.running.values():
            chosen = {key: text_of(value, trial.params[key]) for key, value in self.space.swept.items()}
            overrides = self.space.job(chosen)
            trial.set_user_attr("overrides", overrides)
            jobs.append(overrides)
        return jobs

    def batch(self, first: int, size: int) -> Sequence[JobReturn]:
        """Ask for trials, run them as one batch, and report what has not been reported meanwhile."""
        returns = self.launch(self.ask(first, size), first)
        with self.lock:
            for job, returned in enumerate(returns, first):
                if job not in self.ended:
                    self.end(job, self.measure(job, returned))
        return returns

    def should_continue(self, job: int, epoch: int, objective: float) -> bool:
        """Report a job's objective after an epoch, from any thread; false if the pruner ends the job."""
        with self.lock:
            trial = self.running[job]
            trial.report(objective, epoch)
            if trial.should_prune():
                self.pruned.add(job)
            return job not in self.pruned

    def job_ended(self, job: int, objective: float | None) -> None:
        """Report at once what a job came to: the trials that train beside it are held to that, too."""
        with self.lock:
            self.end(job, [] if objective is None else [objective])

    def end(self, job: int, values: Sequence[float]) -> None:
        """End a trial: FAIL without values or with NaN, PRUNED if the pruner has ended it, else COMPLETE."""
        self.ended.add(job)
        if not values or any(math.isnan(value) for value in values):
            self.study.tell(self.running[job], state=TrialState.FAIL)
        elif job in self.pruned:
            self.study.tell(self.running[job], state=TrialState.PRUNED)
        else:
            self.study.tell(self.running[job], values)


def returned_value(job: int, returned: JobReturn) -> Sequence[float]:
    """The one objective that a job returns."""
    return [float(returned.return_value)]


def recorded_values(folder: Path, objectives: Mapping[str, str]) -> Measure:
    """Several objectives, as jobs leave them in the sweep's folder."""

    def measure(job: int, returned: JobReturn) -> Sequence[float]:
        metrics = next((result.metrics for result in read_results(folder) if result.job == job), {})
        missing = [name for name in objectives if metrics and name not in metrics]
        if missing:
            raise ConfigError([unknown("hydra.sweeper.objectives", name, metrics) for name in missing])
        return [metrics[name] for name in objectives] if metrics else []

    return measure
