"""Training a block of jobs: one alone, or several as a stack."""

from collections.abc import Iterator, Sequence

from runner.build import Parts, build, rule_of
from runner.confusion import confusion_tables
from runner.data.dataset import Dataset
from runner.loop import Epoch, evaluate, fit
from runner.nn.precision import at_precision, tf32
from runner.prepare import draw_parameters, input_of, loss_of, seed_noise
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
    seed_noise(parts)
    return parts


def train_alone(job: Job, parts: Parts, data: Dataset, progress: Progress, stop: Stop) -> None:
    """Train one job as a run of its own would."""
    config, store = job.config, parts.store
    progress.begin(job, "trained one by one", input_of(config, data))
    model = at_precision(parts.model, config.train.precision)
    with tf32(config.train.precision == "tf32"):
        for epoch in epochs_alone(job, parts, data, stop, config.train.epochs):
            (verdict,) = progress.epochs([job], [epoch])
            if verdict == "failed":
                return
            if config.train.restore_best and progress.is_best(job):
                store.remember()
            if verdict == "stops":
                break
        store.settle()
        loss = loss_of(config, data)
        trained = evaluate(model, store, loss, data.train, "final/train_", metrics=config.metrics)
        model_kept = kept_model(job, parts, data, progress.kept(job))
        progress.finish(job, trained, model_kept, tables(job, parts, data))


def train_stacked(
    jobs: Sequence[Job], parts: Sequence[Parts], data: Dataset, progress: Progress, stop: Stop
) -> None:
    """Train several as one program; whoever ends early leaves the stack."""
    active, own = list(jobs), list(parts)
    train = active[0].config.train
    stack = stack_of(active, parts, data, stop)
    for job in active:
        progress.begin(job, f"stacked with {len(jobs) - 1} more", input_of(job.config, data))
    with tf32(train.precision == "tf32"):
        for number in range(1, train.epochs + 1):
            verdicts = progress.epochs(active, stack.epoch())
            if train.restore_best:
                stack.store.remember([row for row, job in enumerate(active) if progress.is_best(job)])
            over = [
                row
                for row, verdict in enumerate(verdicts)
                if verdict == "stops" or (verdict == "goes on" and number == train.epochs)
            ]
            if over:
                finish(stack, over, active, own, data, progress)
            rows = [row for row, verdict in enumerate(verdicts) if verdict == "goes on"]
            if not rows:
                return
            if len(rows) < len(active):
                active, own = [active[row] for row in rows], [own[row] for row in rows]
                stack.keep(rows)


def finish(
    stack: Stack,
    rows: Sequence[int],
    jobs: Sequence[Job],
    parts: Sequence[Parts],
    data: Dataset,
    progress: Progress,
) -> None:
    """Take stock of some members of a stack, by their places, whose training is over."""
    learnt = stack.store.rows(rows)
    learnt.settle()
    final = stack.evaluate(data.train, "final/train_", learnt, jobs[0].config.metrics)
    for place, row in enumerate(rows):
        job, own = jobs[row], parts[row]
        try:
            own.store.settle()  # its average is still that of its first values
            own.store.params.copy_(learnt.params[place])
            own.store.buffers.copy_(learnt.buffers[place])
            model = kept_model(job, own, data, progress.kept(job))
            progress.finish(job, final[place], model, tables(job, own, data))
        except (Exception, SystemExit) as error:  # as when there is no room for its model
            progress.fail(job, error)


def kept_model(job: Job, parts: Parts, data: Dataset, epochs: int) -> SavedModel | None:
    """The job's model, written down, if its config wants it kept."""
    if job.config.tracking.log_model is not True:
        return None
    return save_model(job.launch.folder / "model", job.config, parts.store, data, epochs)


def tables(job: Job, parts: Parts, data: Dataset) -> dict[str, str]:
    """What the job's run is left beside its numbers, if its config wants that; its store is trained."""
    config = job.config
    if not config.confusion_matrix:
        return {}
    return confusion_tables(at_precision(parts.model, config.train.precision), parts.store, data)


def epochs_alone(job: Job, parts: Parts, data: Dataset, stop: Stop, epochs: int) -> Iterator[Epoch]:
    """What ``fit`` gives for a job whose parameters are drawn."""
    config = job.config
    return fit(
        at_precision(parts.model, config.train.precision),
        parts.store,
        loss_of(config, data),
        rule_of(config, parts),
        config.schedule,
        data,
        epochs=epochs,
        batch_size=config.train.batch_size,
        generator=parts.order_generator if config.train.shuffle else None,
        accumulate=config.train.accumulate,
        metrics=config.metrics,
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
            rule_of(job.config, own),
            job.config.schedule,
            own.order_generator if config.train.shuffle else None,
        )
        for job, own in zip(jobs, parts, strict=True)
    ]
    return Stack(
        at_precision(parts[0].model, config.train.precision),
        members,
        loss_of(config, data),
        data,
        epochs=config.train.epochs,
        batch_size=config.train.batch_size,
        accumulate=config.train.accumulate,
        metrics=config.metrics,
        before_batch=stop.heed,
    )
