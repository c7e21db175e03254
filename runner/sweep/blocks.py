"""Training a block of jobs: one alone, or several as a stack."""

from collections.abc import Iterator, Sequence

from runner.build import Parts, build
from runner.data.dataset import Dataset
from runner.loop import Epoch, evaluate, fit
from runner.nn.precision import at_precision, tf32
from runner.prepare import draw_parameters
from runner.saved_model import SavedModel
from runner.stack import Member, Stack
from runner.sweep.jobs import Job
from runner.sweep.lanes import Stop
from runner.sweep.progress import Progress
from runner.trained import save_model


def train_block(jobs: Sequence[Job], data: Dataset, progress: Progress, stop: Stop) -> None:
    """Train a block from its initial values to its end; what goes wrong with a job is that job's end."""
    ready: dict[int, Parts] = {}
    for job in jobs:
        try:
            ready[job.number] = with_parameters(job)
        except (Exception, SystemExit) as error:
            progress.fail(job, error)
    drawn = [job for job in jobs if job.number in ready]
    try:
        if len(jobs) == 1 and drawn:
            train_alone(drawn[0], ready[drawn[0].number], data, progress, stop)
        elif drawn:
            train_stacked(drawn, [ready[job.number] for job in drawn], data, progress, stop)
    except (Exception, SystemExit) as error:
        for job in drawn:
            if not progress.has_ended(job):
                progress.fail(job, error)


def with_parameters(job: Job) -> Parts:
    """A job's parts, built anew, so that what a trained job takes is given back when it is done."""
    parts = build(job.config)
    draw_parameters(parts)
    return parts


def train_alone(job: Job, parts: Parts, data: Dataset, progress: Progress, stop: Stop) -> None:
    """Train one job as a run of its own would."""
    config = job.config
    progress.begin(job, "trained one by one")
    model = at_precision(parts.model, config.train.precision)
    with tf32(config.train.precision == "tf32"):
        for epoch in epochs_alone(job, parts, data, stop, config.train.epochs):
            (goes_on,) = progress.epochs([job], [epoch])
            if not goes_on:
                return
        trained = evaluate(model, parts.store, config.loss, data.train, "final/train_")
        progress.finish(job, trained, kept_model(job, parts, data))


def train_stacked(
    jobs: Sequence[Job], parts: Sequence[Parts], data: Dataset, progress: Progress, stop: Stop
) -> None:
    """Train several as one program; whoever ends early leaves the stack."""
    active = list(jobs)
    train = active[0].config.train
    stack = stack_of(active, parts, data, stop)
    for job in active:
        progress.begin(job, f"stacked with {len(jobs) - 1} more")
    with tf32(train.precision == "tf32"):
        for _ in range(train.epochs):
            going = progress.epochs(active, stack.epoch())
            rows = [row for row, goes_on in enumerate(going) if goes_on]
            if not rows:
                return
            if len(rows) < len(active):
                active = [active[row] for row in rows]
                stack.keep(rows)
        final = stack.evaluate(data.train, "final/train_")
    own = {job.number: each for job, each in zip(jobs, parts, strict=True)}
    for job, trained, learnt in zip(active, final, stack.store.params, strict=True):
        try:
            own[job.number].store.params.copy_(learnt)
            progress.finish(job, trained, kept_model(job, own[job.number], data))
        except (Exception, SystemExit) as error:  # as when there is no room for its model
            progress.fail(job, error)


def kept_model(job: Job, parts: Parts, data: Dataset) -> SavedModel | None:
    """The job's model, written down, if its config wants it kept."""
    if job.config.tracking.log_model is not True:
        return None
    return save_model(job.launch.folder / "model", job.config, parts.store, data)


def epochs_alone(job: Job, parts: Parts, data: Dataset, stop: Stop, epochs: int) -> Iterator[Epoch]:
    """What ``fit`` gives for a job whose parameters are drawn."""
    config = job.config
    return fit(
        at_precision(parts.model, config.train.precision),
        parts.store,
        config.loss,
        config.rule,
        config.schedule,
        data,
        epochs=epochs,
        batch_size=config.train.batch_size,
        generator=parts.order_generator if config.train.shuffle else None,
        before_batch=stop.heed,
    )


def stack_of(jobs: Sequence[Job], parts: Sequence[Parts], data: Dataset, stop: Stop) -> Stack:
    """A stack of jobs whose parameters are drawn.

    Raises:
        TypeError: if their rules can't be stacked.
    """
    config = jobs[0].config
    members = [
        Member(
            own.store,
            job.config.rule,
            job.config.schedule,
            own.order_generator if config.train.shuffle else None,
        )
        for job, own in zip(jobs, parts, strict=True)
    ]
    return Stack(
        at_precision(parts[0].model, config.train.precision),
        members,
        config.loss,
        data,
        epochs=config.train.epochs,
        batch_size=config.train.batch_size,
        before_batch=stop.heed,
    )
