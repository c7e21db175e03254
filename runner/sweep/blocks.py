"""Training a block of jobs: one alone, or several as a stack."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from runner.build import Parts, build, rule_of
from runner.checkpoints.keeper import Keeper
from runner.data.dataset import Dataset
from runner.nn.precision import at_precision, tf32
from runner.prepare import draw_parameters, input_of, loss_of, refuse_foreign_indices
from runner.process.determinism import deterministic
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.sweep.progress import Progress
from runner.tracking.events import MODEL_FOLDER
from runner.tracking.saved_model import SavedModel
from runner.trained.drawing import drawn
from runner.trained.save import save_model
from runner.training.confusion import confusion_tables
from runner.training.fitting import restore_from_file
from runner.training.log_probabilities import report_other_outputs
from runner.training.loop import Epoch, Training, evaluate
from runner.training.snapshot import Snapshot
from runner.training.stack import Member, Stack
from runner.training.verdict import divergence


def train_block(
    jobs: Sequence[Job],
    data: Dataset,
    progress: Progress,
    stop: Stop,
    keeper: Keeper | None = None,
    snapshot: Snapshot | None = None,
) -> None:
    """Train a block to its end; what goes wrong with a job is that job's end.

    Args:
        jobs: one, or several that train as a stack.
        data: theirs.
        progress: told of everything.
        stop: ends it.
        keeper: keeps checkpoints, whose ``jobs`` are the hashes of the configs of those who still train.
        snapshot: what the block goes on from; None: from first values.
    """
    keeper = keeper or Keeper(Path(), None, {})
    ready: dict[int, Parts] = {}
    for job in jobs:
        try:
            ready[job.number] = with_parameters(job)
        except (Exception, SystemExit) as error:
            progress.fail(job, error)
    drawn = [job for job in jobs if job.number in ready]
    try:
        if len(jobs) == 1 and drawn:
            with keeper:
                train_alone(drawn[0], ready[drawn[0].number], data, progress, stop, keeper, snapshot)
        elif drawn:
            with keeper:
                parts = [ready[job.number] for job in drawn]
                train_stacked(drawn, parts, data, progress, stop, keeper, snapshot)
    except (Exception, SystemExit) as error:
        for job in drawn:
            if not progress.has_ended(job):
                progress.fail(job, error)


def with_parameters(job: Job) -> Parts:
    """A job's parts, built anew, so that what a trained job takes is given back when it is done."""
    parts = build(job.config)
    draw_parameters(parts)
    return parts


def train_alone(
    job: Job,
    parts: Parts,
    data: Dataset,
    progress: Progress,
    stop: Stop,
    keeper: Keeper,
    snapshot: Snapshot | None,
) -> None:
    """Train one job as a run of its own would."""
    config, store = job.config, parts.store
    progress.begin(job, "trained one by one", input_of(config, data))
    model = at_precision(parts.model, config.train.precision)
    with deterministic(config.train.deterministic), tf32(config.train.precision == "tf32"):
        training = training_of(job, parts, data, stop, config.train.epochs)
        look_at_outputs(job, parts, data)
        if snapshot is not None:
            restore_from_file(training, snapshot, config.metrics_followed.values())
            progress.goes_on(job, training.history)
        before = training.snapshot()
        for epoch in training:
            problem = divergence(epoch, config.train.on_divergence)
            if problem and config.train.on_divergence == "stop" and before.epoch:
                training.restore(before)
                progress.note(job, f"stopped after epoch {before.epoch}: in the next, {problem}")
                break
            (verdict,) = progress.epochs([job], [epoch], lambda _: training.fault(before))  # noqa: B023
            if verdict == "failed":
                keeper.forget()
                return
            if config.train.restore_best and progress.is_best(job):
                store.remember()
            before = training.snapshot()
            if verdict == "stops":
                break
            keeper.show(before, best=before.epoch)
        keeper.forget()
        store.settle()
        loss = loss_of(config, data)
        trained = evaluate(model, store, loss, data.train, "final/train_", metrics=config.metrics)
        model_kept = kept_model(job, parts, data, progress.kept(job))
        progress.finish(job, trained, model_kept, files(job, parts, data, progress))


def train_stacked(
    jobs: Sequence[Job],
    parts: Sequence[Parts],
    data: Dataset,
    progress: Progress,
    stop: Stop,
    keeper: Keeper,
    snapshot: Snapshot | None,
) -> None:
    """Train several as one program; whoever ends early leaves the stack."""
    active, own = list(jobs), list(parts)
    train = active[0].config.train
    stack = stack_of(active, parts, data, stop)
    look_at_outputs(active[0], own[0], data)
    for job in active:
        progress.begin(job, f"stacked with {len(jobs) - 1} more", input_of(job.config, data))
    if snapshot is not None:
        restore_from_file(stack, snapshot, active[0].config.metrics_followed.values())
        for job, member in zip(active, stack.members, strict=True):
            progress.goes_on(job, member.history)
    before = stack.snapshot()
    with deterministic(train.deterministic), tf32(train.precision == "tf32"):
        for number in range(before.epoch + 1, train.epochs + 1):
            epochs = stack.epoch()
            verdicts = progress.epochs(active, epochs, partial(stack.fault, before))
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
                keeper.forget()
                return
            if len(rows) < len(active):
                active, own = [active[row] for row in rows], [own[row] for row in rows]
                stack.keep(rows)
            before = stack.snapshot()
            keeper.about = {"jobs": [job.config.hash for job in active]}
            keeper.show(before, best=number)


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
            progress.finish(job, final[place], model, files(job, own, data, progress))
        except (Exception, SystemExit) as error:  # as when there is no room for its model
            progress.fail(job, error)


def look_at_outputs(job: Job, parts: Parts, data: Dataset) -> None:
    """Log a line if the loss takes log-probabilities and the outputs of a job's drawn model are none."""
    model = at_precision(parts.model, job.config.train.precision)
    name = job.config.plain["loss"]["type"]
    report_other_outputs(name, job.config.loss, model, parts.store, data.train)


def kept_model(job: Job, parts: Parts, data: Dataset, epoch: Epoch) -> SavedModel | None:
    """The job's model, written down, if its config wants it kept."""
    if not job.config.tracking.keeps_model(in_sweep=True):
        return None
    return save_model(job.launch.folder / MODEL_FOLDER, job.config, parts.store, data, epoch)


def files(job: Job, parts: Parts, data: Dataset, progress: Progress) -> dict[str, str | bytes]:
    """What the job's run is left beside its numbers, as its config wants; its store is trained."""
    config = job.config
    left: dict[str, str | bytes] = {}
    if config.confusion_matrix:
        left |= confusion_tables(at_precision(parts.model, config.train.precision), parts.store, data)
    if config.tracking.pictures is True:
        left |= drawn(config, parts, data, progress.history(job))
    return left


def training_of(job: Job, parts: Parts, data: Dataset, stop: Stop, epochs: int) -> Training:
    """The training of a job whose parameters are drawn."""
    config = job.config
    refuse_foreign_indices(parts.model, data)
    return Training(
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
        noise_seed=parts.noise_seed,
        before_batch=stop.heed,
    )


def stack_of(jobs: Sequence[Job], parts: Sequence[Parts], data: Dataset, stop: Stop) -> Stack:
    """A stack of jobs whose parameters are drawn.

    Raises:
        TypeError: if they can't be stacked.
    """
    config = jobs[0].config
    if config.train.on_divergence != "fail":
        raise TypeError(f"train.on_divergence={config.train.on_divergence} looks at each model by itself")
    refuse_foreign_indices(parts[0].model, data)
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
        noise_seed=parts[0].noise_seed,
        before_batch=stop.heed,
    )
