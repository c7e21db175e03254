"""Training that goes on from a checkpoint ends with the same bits as training that was never interrupted."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from runner.build import Parts
from runner.checkpoints.file import newest, write
from runner.data.dataset import Dataset
from runner.sweep.blocks import stack_of, training_of, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.training.fitting import restore_from_file
from runner.training.loop import Training
from runner.training.snapshot import Snapshot
from runner.training.stack import Stack
from tests.sweep.composed import data_of, jobs_of

EPOCHS = 4

CONFIGS = [
    "optim=momentum",
    "optim=adam schedule=cosine train.average=0.9",
    "optim=sgd train.shuffle=false train.accumulate=3",
    "optim=nadam optim.clip_norm=1 train.restore_best=true",
    "optim=torch optim.type=torch.optim.Adamax",
    "optim=heavy_ball +model.layers.d={type:dropout,p:0.3} schedule=reduce_on_plateau",
    "optim=rmsprop train.precision=bf16",
    "data.val=0.2 optim=adagrad schedule=one_cycle train.metrics=[f1]",
    "optim=lion optim.groups=[{match:'*.b',weight_decay:0}]",
]
MODELS = ["cnn", "resnet", "lstm", "gru", "transformer", "softmax"]


def differing(values: dict[str, float]) -> dict[str, float]:
    """What does not tell of time."""
    return {name: value for name, value in values.items() if not name.startswith("time/")}


def through_a_file(snapshot: Snapshot, folder: Path) -> Snapshot:
    write(folder, snapshot, {})
    checkpoint = newest(folder)
    assert checkpoint is not None
    return checkpoint.snapshot


def begun(job: Job, data: Dataset) -> tuple[Training, Parts]:
    parts = with_parameters(job)
    return training_of(job, parts, data, Stop(), EPOCHS), parts


def assert_goes_on_to_the_same_bits(job: Job, folder: Path, after: Sequence[int]) -> None:
    data = data_of(job)
    unbroken, parts = begun(job, data)
    snapshots = {0: unbroken.snapshot()}
    for number in range(1, EPOCHS + 1):
        unbroken.epoch()
        if job.config.train.restore_best and number in (1, 3):
            parts.store.remember()
        snapshots[number] = unbroken.snapshot()
    for number in after:
        resumed, own = begun(job, data)
        restore_from_file(resumed, through_a_file(snapshots[number], folder / str(number)), ["test/loss"])
        for later in range(number + 1, EPOCHS + 1):
            resumed.epoch()
            if job.config.train.restore_best and later in (1, 3):
                own.store.remember()
        assert [differing(each) for each in resumed.history] == [differing(e) for e in unbroken.history]
        last = resumed.snapshot()
        assert last.tensors.keys() == snapshots[EPOCHS].tensors.keys()
        for name, value in snapshots[EPOCHS].tensors.items():
            assert torch.equal(last.tensors[name], value), name


@pytest.mark.parametrize("overrides", CONFIGS)
def test_a_model_ends_with_the_same_bits(overrides: str, tmp_path: Path) -> None:
    """From its first values and from each epoch."""
    (job,) = jobs_of([""], f"{overrides} data.limit=300 train.batch_size=64 train.epochs={EPOCHS}")
    assert_goes_on_to_the_same_bits(job, tmp_path, after=range(EPOCHS))


@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_model_ends_with_the_same_bits(model: str, tmp_path: Path) -> None:
    (job,) = jobs_of([""], f"model={model} data.limit=80 train.batch_size=32 train.epochs={EPOCHS}")
    assert_goes_on_to_the_same_bits(job, tmp_path, after=[2])


def stack_begun(jobs: Sequence[Job], data: Dataset) -> Stack:
    return stack_of(jobs, [with_parameters(job) for job in jobs], data, Stop())


@pytest.mark.parametrize(
    "overrides",
    ["optim=momentum", "optim=adam train.average=0.9", "model=cnn optim=sgd schedule=cosine"],
)
def test_a_stack_ends_with_the_same_bits(overrides: str, tmp_path: Path) -> None:
    """From each epoch, the one included after which a member left."""
    common = f"{overrides} data.limit=300 train.batch_size=64 train.epochs={EPOCHS}"
    jobs = jobs_of([f"seed={seed}" for seed in range(3)], common)
    data = data_of(jobs[0])
    unbroken = stack_begun(jobs, data)
    snapshots = {}
    for number in range(1, EPOCHS + 1):
        unbroken.epoch()
        if number == 2:
            unbroken.keep([0, 2])
        snapshots[number] = unbroken.snapshot()
    for number in range(1, EPOCHS):
        resumed = stack_begun(jobs if number == 1 else [jobs[0], jobs[2]], data)
        restore_from_file(resumed, through_a_file(snapshots[number], tmp_path / str(number)), ["test/loss"])
        for later in range(number + 1, EPOCHS + 1):
            resumed.epoch()
            if later == 2:
                resumed.keep([0, 2])
        for one, other in zip(resumed.members, unbroken.members, strict=True):
            assert [differing(e) for e in one.history] == [differing(e) for e in other.history]
        for name, value in snapshots[EPOCHS].tensors.items():
            assert torch.equal(resumed.snapshot().tensors[name], value), name


def test_the_state_of_another_model_is_refused(tmp_path: Path) -> None:
    (job,) = jobs_of([""], "data.limit=64 train.epochs=2")
    (other,) = jobs_of([""], "data.limit=64 train.epochs=2 model=softmax")
    data = data_of(job)
    training, _ = begun(job, data)
    training.epoch()
    with pytest.raises(ValueError, match=r"params: expects \[650\], gets"):
        begun(other, data)[0].restore(training.snapshot())
