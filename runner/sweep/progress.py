"""What jobs in training report: to the books, to whoever looks, to whoever may stop them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Literal, Protocol

from runner.plugins.mistakes import mistake
from runner.process.machine import machine_tags
from runner.sweep.books.ledger import now
from runner.sweep.books.messages import Ended, Measured, Opened, ToBooks
from runner.sweep.jobs import Job, Problem
from runner.sweep.planning.lanes import Stop
from runner.sweep.record import JobResult
from runner.sweep.watch import Watch
from runner.tracking.data_input import DataInput
from runner.tracking.outcome import Failure, Status, reason_of, status_of
from runner.tracking.saved_model import SavedModel
from runner.tracking.terminal import describe
from runner.training.loop import Epoch
from runner.training.verdict import best, diverged, divergence, is_best, kept, stops

WAY = "way"
"""The tag that says whether a job was trained in a stack, which rounds otherwise."""

Verdict = Literal["goes on", "stops", "failed"]


class Books(Protocol):
    """Takes messages: a ``Ledger``, or a list in tests."""

    def tell(self, message: ToBooks) -> None:
        """Take one."""


class Display(Protocol):
    """Shows a sweep's progress."""

    def epoch(self, job: int, name: str, number: int, epochs: int, objective: float) -> None:
        """A job has done an epoch."""


@dataclass
class History:
    """What has been heard of a job so far."""

    job: Job
    epochs: list[Epoch] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    pruned: int | None = None
    data: DataInput | None = None

    def note(self, level: str, text: object) -> None:
        """Add a line to the job's log."""
        time = datetime.now().isoformat(" ", "milliseconds").replace(".", ",")  # as logging writes it
        self.lines.append(f"{time} {level} {text}")


class Progress:
    """Where the threads that train report; each job is reported by one thread.

    Args:
        books: told everything.
        display: shown each epoch.
        watch: says which job shall go on, if anybody does, and is sent what each came to.
        stop: wished for when a job fails, if that is to stop all.
        fail_fast: whether it is.
    """

    def __init__(
        self, books: Books, display: Display, watch: Watch | None, stop: Stop, fail_fast: bool
    ) -> None:
        self._books, self._display, self._watch = books, display, watch
        self._stop, self._fail_fast = stop, fail_fast
        self._histories: dict[int, History] = {}
        self._silent: frozenset[int] = frozenset()
        self._ended: set[int] = set()

    def has_ended(self, job: Job) -> bool:
        """Whether a job's end has been reported."""
        return job.number in self._ended

    def begin(self, job: Job, way: str, data: DataInput | None = None) -> None:
        """A job begins to train, in some way that its log tells, on some data."""
        history = self._histories[job.number] = History(job, data=data)
        size, device = job.parts.store.size, job.parts.device
        history.note("INFO", f"{job.name}: {size} parameters on {device}, {way}")
        if job.number not in self._silent:
            self._books.tell(opened(job, way, data))

    def silence(self, jobs: Collection[int]) -> None:
        """Tell nothing of some jobs, by their numbers: they have results, and only train along."""
        self._silent |= frozenset(jobs)

    def goes_on(self, job: Job, history: Sequence[Mapping[str, float]]) -> None:
        """A job that has begun goes on after some epochs."""
        own = self._histories[job.number]
        for number, metrics in enumerate(history, 1):
            own.epochs.append(Epoch(number, dict(metrics)))
            self._measured({job.number: metrics}, number)  # the store may not have heard of the last ones
        own.note("INFO", f"goes on after epoch {len(history)}")

    def _measured(self, metrics: Mapping[int, Mapping[str, float]], step: int) -> None:
        told = {number: values for number, values in metrics.items() if number not in self._silent}
        if told:
            self._books.tell(Measured(told, step, now()))

    def epochs(
        self, jobs: Sequence[Job], epochs: Sequence[Epoch], fault: Callable[[int], str | None]
    ) -> list[Verdict]:
        """Some jobs have done an epoch; says of each what is to become of it. Who has failed is done with.

        ``fault`` finds out where in the epoch one of them, by its place, went wrong.
        """
        metrics = {job.number: epoch.metrics for job, epoch in zip(jobs, epochs, strict=True)}
        self._measured(metrics, epochs[0].number)
        return [
            self._epoch(job, epoch, partial(fault, place))
            for place, (job, epoch) in enumerate(zip(jobs, epochs, strict=True))
        ]

    def history(self, job: Job) -> Sequence[Epoch]:
        """The epochs of a job that trains."""
        return self._histories[job.number].epochs

    def kept(self, job: Job) -> Epoch:
        """The epoch whose weights a job keeps."""
        return kept(self._histories[job.number].epochs, job.config.train, job.config.objective)

    def is_best(self, job: Job) -> bool:
        """Whether a job's last epoch is its best so far."""
        return not self.has_ended(job) and is_best(self._histories[job.number].epochs, job.config.objective)

    def note(self, job: Job, text: str) -> None:
        """Add a line to a job's log."""
        self._histories[job.number].note("INFO", text)

    def _epoch(self, job: Job, epoch: Epoch, fault: Callable[[], str | None]) -> Verdict:
        history, config = self._histories[job.number], job.config
        history.epochs.append(epoch)
        history.note("INFO", describe(epoch, config.train.epochs))
        objective = epoch.metrics[config.objective]
        if job.number not in self._silent:
            self._display.epoch(job.number, job.name, epoch.number, config.train.epochs, objective)
        problem = divergence(epoch, config.train.on_divergence)
        if problem is not None:
            self.fail(job, diverged(epoch, problem, fault(), config.rule.lr))
            return "failed"
        reason = stops(history.epochs, config.train, config.objective)
        if self._watch is not None and not self._watch.should_continue(job.number, epoch.number, objective):
            history.pruned = epoch.number
            reason = "pruned"
        if reason is None:
            return "goes on"
        history.note("INFO", f"stopped after epoch {epoch.number}: {reason}")
        return "stops"

    def finish(
        self,
        job: Job,
        trained: Mapping[str, float],
        model: SavedModel | None = None,
        files: Mapping[str, str | bytes] | None = None,
    ) -> None:
        """A job has ended well.

        Args:
            job: which.
            trained: metrics that are measured once, at the end.
            model: what it has learnt, if that is to be kept.
            files: others for its run: what is in them, by their places among its own.
        """
        history = self._histories[job.number]
        final = {**best(history.epochs, job.config.objective), **trained}
        history.note("INFO", final)
        self._measured({job.number: final}, history.epochs[-1].number)
        result = kept(history.epochs, job.config.train, job.config.objective)
        self._end(job, "FINISHED", None, {**result.metrics, **final}, model, files)

    def fail(self, job: Job, error: BaseException) -> None:
        """A job has failed; it may not even have begun."""
        if job.number not in self._histories:
            self.begin(job, "not at all")
        history = self._histories[job.number]
        failure = failure_of(job, error)
        history.note("ERROR", failure.reason)
        last = history.epochs[-1].metrics if history.epochs else {}
        self._end(job, status_of(error), failure, last)
        if self._fail_fast:
            self._stop.wish()

    def end_the_rest(self, reason: BaseException) -> None:
        """The sweep has been stopped: jobs that were in training are KILLED."""
        for history in list(self._histories.values()):
            history.note("ERROR", f"stopped: {reason_of(reason)}")
            last = history.epochs[-1].metrics if history.epochs else {}
            self._end(history.job, "KILLED", Failure.of(reason), last)

    def reject(self, problem: Problem) -> None:
        """A job can't be trained at all."""
        cell, failure = problem.cell, Failure.of(problem.error)
        self._books.tell(
            Opened(cell.job, cell.overrides, cell.plain, problem.launch, {}, cell.records, now())
        )
        result = JobResult(cell.job, cell.overrides, "FAILED", failure.reason)
        self._books.tell(Ended(result, failure, f"{failure.reason}\n", now()))
        if self._fail_fast:
            self._stop.wish()

    def _end(
        self,
        job: Job,
        status: Status,
        failure: Failure | None,
        metrics: Mapping[str, float],
        model: SavedModel | None = None,
        files: Mapping[str, str | bytes] | None = None,
    ) -> None:
        if job.number in self._silent:
            self._ended.add(job.number)
            del self._histories[job.number]
            return
        history, objective = self._histories[job.number], job.config.objective
        result = JobResult(
            job.number,
            job.cell.overrides,
            status,
            reason=failure.reason if failure else None,
            objective=metrics.get(objective),
            metrics=metrics,
            curve=[epoch.metrics[objective] for epoch in history.epochs],
            pruned=history.pruned if status == "FINISHED" else None,
            data=None if history.data is None else history.data.used,
        )
        if self._watch is not None:
            self._watch.job_ended(job.number, result.objective if status == "FINISHED" else None)
        self._ended.add(job.number)
        del self._histories[job.number]
        self._books.tell(Ended(result, failure, "\n".join(history.lines) + "\n", now(), model, files or {}))


def failure_of(job: Job, error: BaseException) -> Failure:
    """Why a job failed; what a plugin's code raised is told with its part and line."""
    failure = Failure.of(error)
    told = mistake(error, job.config.plugins, job.config.plain)
    return failure if told is None else replace(failure, reason=told)


def opened(job: Job, way: str, data: DataInput | None = None) -> Opened:
    """The message that a job begins to train in some way."""
    cell, tags = job.cell, {**job.config.tags, **machine_tags(job.parts.device), WAY: way}
    tags["parameters"] = str(job.parts.store.size)
    return Opened(
        cell.job, cell.overrides, cell.plain, job.launch, tags, cell.records, now(), data, job.run_id
    )
