"""Each member of a stack learns what it would learn alone."""

from collections.abc import Sequence

import pytest
import torch

from runner.data.dataset import Dataset
from runner.errors import RunnerError
from runner.nn.store import ParameterStore
from runner.sweep.blocks import stack_of, with_parameters
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop
from runner.training.loop import Epoch
from runner.training.stack import Stack
from tests.sweep.composed import alone, data_of, digits, jobs_of

pytestmark = pytest.mark.usefixtures("one_thread")

DIFFERENT = [
    "seed=0",
    "seed=1 optim.lr=0.05 schedule=step schedule.step_size=7 schedule.gamma=0.5",
    "seed=2 optim.lr=0.2 schedule=exponential optim.weight_decay=0.01",
    "seed=3 optim.lr=0.6 schedule=cosine optim.weight_decay=0.1",
    "seed=0 optim.lr=0.1 model.layers.l1.init.type=xavier_normal",
    "seed=4 model.layers.l2.init.type=zeros",
]
"""Members with seeds, learning rates, weight decays, schedules and initialisers of their own."""

IN_MOMENTUM = [*DIFFERENT, "optim.beta=0.5", "optim.beta=0.99 seed=5"]

CONVOLUTION = (
    "+model.layers.c={type:conv2d,out_channels:4,kernel_size:3} "
    "+model.layers.p={type:max_pool2d,kernel_size:2} "
    "+model.layers.f={type:flatten} +model.layers.l={type:linear} ~model.layers.flat ~model.layers.l1"
)

NORM = "model.layers.a1.type=torch.nn.BatchNorm1d +model.layers.a1.num_features=128"

WEIGHT = "loss.weight=[1.,2.,1.,3.,1.,1.,0.5,1.,1.,1.]"
METRICS = "[{type:top_k,k:2},precision,recall,f1,auroc,perplexity]"

PROGRAMS = {
    "sgd": (DIFFERENT, "train.epochs=8"),
    "momentum": (IN_MOMENTUM, "optim=momentum train.epochs=8"),
    "adam": (
        [
            "optim.betas=[0.8,0.99]",
            "seed=1 optim.lr=0.02 schedule=one_cycle",
            "seed=2 schedule=reduce_on_plateau schedule.patience=0 schedule.threshold=0.5",
            "seed=3 schedule.warmup_steps=15",
        ],
        "optim=adam train.epochs=4",
    ),
    "grouped and clipped": (
        ["seed=1 optim.lr=0.01 optim.clip_norm=0.2", "optim.weight_decay=0.1", "optim.lr=0.02"],
        "optim.clip_norm=1 optim.groups=[{match:'*.b',weight_decay:0,lr:0.02}] train.epochs=3",
    ),
    "regression": (
        ["seed=0", "seed=1 optim.lr=0.01"],
        "data=linear loss=mse model=linear optim.lr=0.1 train.epochs=8",
    ),
    "convolution": (["seed=0", "seed=1 optim.lr=0.1"], f"model=linear {CONVOLUTION} train.epochs=3"),
    "bf16": (["seed=0", "seed=1 optim.lr=0.1"], "train.precision=bf16 train.epochs=3"),
    "accumulated": (["seed=0", "seed=1 optim.lr=0.1"], "train.accumulate=3 train.epochs=3"),
    "averaged": (["seed=0", "seed=1 optim.lr=0.1"], "train.average=0.9 train.epochs=3"),
    "validated": (["seed=0", "seed=1 optim.lr=0.1"], "data.val=0.2 train.epochs=3"),
    "measured": (["seed=0", "seed=1 optim.lr=0.1"], f"train.metrics={METRICS} data.val=0.2 train.epochs=3"),
    "balanced": (["seed=0", "seed=1 optim.lr=0.1"], "loss.weight=balanced data.limit=300 train.epochs=3"),
    "smoothed": (["seed=0", "seed=1 optim.lr=0.1"], f"loss.label_smoothing=0.1 {WEIGHT} train.epochs=3"),
    "one against the rest": (["seed=0", "seed=1 optim.lr=0.1"], "loss=bce_with_logits train.epochs=3"),
    "normalised": (["seed=0", "seed=1 optim.lr=0.1"], f"{NORM} train.epochs=3"),
    "a last batch of one": (
        ["seed=0", "seed=1"],
        "data.limit=257 +model.layers.a1.affine=false model.layers.a1.type=batch_norm1d train.epochs=3",
    ),
    "mixed": (["seed=0", "seed=1 optim.lr=0.1"], "data.mixup=0.4 train.accumulate=2 train.epochs=3"),
    "values, mixed": (["seed=0", "seed=1"], "data=linear loss=mse model=linear data.mixup=1.0"),
    "values in other units": (
        ["seed=0", "seed=1 optim.lr=0.2"],
        "data=diabetes loss=mse model=linear optim.lr=0.1",
    ),
    "own order": (["seed=0", "seed=1 optim.lr=0.1"], "train.shuffle=false train.epochs=3"),
}


def stack(jobs: Sequence[Job], data: Dataset, stop: Stop | None = None) -> Stack:
    return stack_of(jobs, [with_parameters(job) for job in jobs], data, stop or Stop())


def small(overrides: Sequence[str], common: str = "") -> list[Job]:
    smooth = "model.layers.a1.type=tanh model.layers.l1.out_features=8"
    return jobs_of(overrides, f"{smooth} train.epochs=3 {common}")


def values(epochs: Sequence[Epoch], name: str) -> list[float]:
    return [epoch.metrics[name] for epoch in epochs]


def held_out(epoch: Epoch) -> dict[str, float]:
    """All that was measured of the parts that nothing is learnt from."""
    return {name: value for name, value in epoch.metrics.items() if name.startswith(("val/", "test/"))}


@pytest.mark.parametrize(("overrides", "common"), PROGRAMS.values(), ids=PROGRAMS)
def test_each_member_equals_the_same_job_alone(overrides: list[str], common: str) -> None:
    jobs = jobs_of(overrides, common)
    data = data_of(jobs[0])
    together = stack(jobs, data)
    members = list(zip(*[together.epoch() for _ in range(jobs[0].config.train.epochs)], strict=True))
    tolerance = 1e-2 if "bf16" in common else 1e-4
    for job, member in zip(jobs, members, strict=True):
        by_itself = alone(job, data)
        assert [epoch.number for epoch in member] == [epoch.number for epoch in by_itself]
        assert values(member, "lr") == values(by_itself, "lr")
        for name in ("train/loss", "test/loss"):
            assert values(member, name) == pytest.approx(values(by_itself, name), rel=tolerance), job.name
        for one, other in zip(member, by_itself, strict=True):
            assert held_out(one) == pytest.approx(held_out(other), rel=tolerance, abs=0.01)
        assert by_itself[0].metrics.keys() == member[0].metrics.keys()


def test_members_begin_with_the_parameters_that_they_would_have_alone() -> None:
    jobs = jobs_of(DIFFERENT)
    together = stack(jobs, digits())
    for job, params in zip(jobs, together.store.params, strict=True):
        assert torch.equal(params, with_parameters(job).store.params)


def test_members_see_the_batches_that_they_would_see_alone() -> None:
    jobs = small(["seed=0", "seed=1"])
    together = stack(jobs, digits())
    together.epoch()
    for job, member in zip(jobs, together.members, strict=True):
        parts = with_parameters(job)
        torch.randperm(len(digits().train), generator=parts.order_generator)
        assert member.generator is not None
        assert torch.equal(member.generator.get_state(), parts.order_generator.get_state())


def test_who_stays_learns_on_as_if_nobody_had_left() -> None:
    jobs = small(["seed=0", "seed=1 optim.lr=0.1", "seed=2 schedule=cosine"], "optim=momentum")
    together = stack(jobs, digits())
    first = together.epoch()
    together.keep([2, 0])
    second = together.epoch()
    together.keep([1])
    (third,) = together.epoch()
    assert torch.equal(together.store.params[0], together.store.params.flatten())
    last, by_itself = alone(jobs[2], digits()), alone(jobs[0], digits())
    assert [first[0].metrics["train/loss"], second[1].metrics["train/loss"], third.metrics["train/loss"]] == (
        pytest.approx(values(by_itself, "train/loss"), rel=1e-4)
    )
    assert [first[2].metrics["train/loss"], second[0].metrics["train/loss"]] == (
        pytest.approx(values(last[:2], "train/loss"), rel=1e-4)
    )


def test_who_has_left_is_trained_no_more() -> None:
    together = stack(small(["seed=0", "seed=1", "seed=2"]), digits())
    together.epoch()
    together.keep([1])
    assert together.store.params.shape == (1, with_parameters(small(["seed=1"])[0]).store.size)
    assert len(together.epoch()) == 1


def test_a_member_that_diverges_takes_no_other_along() -> None:
    jobs = small(["seed=0", "seed=0 optim.lr=1e30", "seed=1"], "data=linear loss=mse model=mlp optim.lr=0.01")
    data = data_of(jobs[0])
    together = stack(jobs, data)
    epochs = [together.epoch() for _ in range(3)]
    assert not torch.isfinite(torch.tensor(epochs[0][1].metrics["train/loss"]))
    for place in (0, 2):
        seen = [epoch[place].metrics["train/loss"] for epoch in epochs]
        assert seen == pytest.approx(values(alone(jobs[place], data), "train/loss"), rel=1e-4)


def test_the_time_of_a_stack_is_shared_by_its_members() -> None:
    together = stack(small(["seed=0", "seed=1", "seed=2", "seed=3"]), digits())
    epochs = together.epoch()
    (seconds,) = {epoch.metrics["time/epoch_seconds"] for epoch in epochs}
    (rate,) = {epoch.metrics["time/samples_per_second"] for epoch in epochs}
    assert rate == pytest.approx(len(digits().train) / seconds)


def test_evaluation_gives_each_members_own_loss() -> None:
    jobs = small(["seed=0", "seed=1"])
    together = stack(jobs, digits())
    before = together.evaluate(digits().test, "test/")
    assert before[0] != before[1]
    solo = [stack([job], digits()).evaluate(digits().test, "test/")[0] for job in jobs]
    for member, by_itself in zip(before, solo, strict=True):
        assert member == pytest.approx(by_itself, rel=1e-5)


def test_metrics_are_of_the_members_own_predictions_in_the_splits_own_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = small(["seed=0", "seed=1", "seed=2"], f"train.metrics={METRICS}")
    metrics, test = jobs[0].config.metrics, digits().test
    together = stack(jobs, digits())
    monkeypatch.setattr("runner.training.loop.EVALUATION_ROWS", 3 * 100)  # 100 for each, and 60 are left
    measured = together.evaluate(test, "", metrics=metrics)
    for job, member in zip(jobs, measured, strict=True):
        parts = with_parameters(job)
        with torch.inference_mode():
            logits = parts.model.forward(parts.store, test.inputs)
        assert member == pytest.approx(
            {metric.name: metric(logits, test.targets).item() for metric in metrics}
            | {name: member[name] for name in ("loss", "accuracy")},
            rel=1e-4,
        )


def test_what_is_raised_before_a_batch_ends_the_training() -> None:
    class TwoBatches:
        seen = 0

        def __call__(self) -> None:
            self.seen += 1
            if self.seen > 2:
                raise RunnerError("enough")

    jobs = small(["seed=0", "seed=1"])
    parts = [with_parameters(job) for job in jobs]
    data, config = digits(), jobs[0].config
    made = stack_of(jobs, parts, data, Stop())
    limited = Stack(
        parts[0].model, made.members, config.loss, data, epochs=3, batch_size=128, before_batch=TwoBatches()
    )
    with pytest.raises(RunnerError, match="enough"):
        limited.epoch()
    assert not torch.equal(limited.store.params, made.store.params), "two batches were learnt from"


def test_an_alone_store_is_left_as_it_was_drawn() -> None:
    (job,) = small(["seed=0"])
    parts = with_parameters(job)
    drawn: ParameterStore = parts.store
    before = drawn.params.clone()
    stack_of([job], [parts], digits(), Stop()).epoch()
    assert torch.equal(drawn.params, before)
