"""Blocks of jobs are trained to what each would be alone; what goes wrong with one is that one's end."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor

from runner.data.dataset import Dataset
from runner.errors import RunnerError
from runner.nn.init import Default, Fans
from runner.nn.layers.activation import Activation
from runner.nn.layers.linear import Linear
from runner.nn.store import ParameterStore
from runner.sweep.blocks import train_block
from runner.sweep.jobs import Job, groups
from runner.sweep.planning.lanes import Stop, run_in_lanes
from runner.sweep.planning.way import Way
from runner.trained.serving import load
from tests.sweep.composed import Heard, alone, data_of, digits, jobs_of, with_layer

pytestmark = pytest.mark.usefixtures("one_thread")

MIXED = [
    f"model.layers.l1.out_features={size} optim={optim} schedule={schedule} seed={seed}"
    for size, optim, schedule, seed in [
        (8, "sgd", "constant", 0),
        (8, "momentum", "cosine", 1),
        (16, "sgd", "constant", 2),
        (8, "sgd", "exponential", 3),
        (8, "sgd", "step", 4),
        (16, "sgd", "cosine", 5),
        (8, "momentum", "step", 6),
        (8, "sgd", "cosine", 7),
        (8, "sgd", "constant", 8),
    ]
]
"""Jobs of three programs. A few relus would not do: where one has its kink, rounding decides by 3e-4."""

SMOOTH = "model.layers.a1.type=tanh train.epochs=6"


def small(overrides: Sequence[str], common: str = "") -> list[Job]:
    smooth = "model.layers.a1.type=tanh model.layers.l1.out_features=8"
    return jobs_of(overrides, f"{smooth} train.epochs=3 {common}")


def trained(jobs: Sequence[Job], data: Dataset | None = None, heard: Heard | None = None) -> Heard:
    heard = heard or Heard()
    train_block(jobs, data or digits(), heard.progress(), Stop())
    return heard


@pytest.fixture(scope="module")
def curves() -> dict[int, list[float]]:
    """What mixed jobs come to alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = {
        job.number: [e.metrics["test/loss"] for e in alone(job, digits())] for job in jobs_of(MIXED, SMOOTH)
    }
    torch.set_num_threads(threads)
    return found


@pytest.mark.parametrize("way", [Way(1, 2, 1), Way(2, 1, 1), Way(3, 2, 1), Way(16, 1, 1)], ids=str)
def test_groups_of_mixed_shapes_learn_what_each_job_would_learn_alone(
    way: Way, curves: dict[int, list[float]]
) -> None:
    heard, stop = Heard(), Stop()
    progress = heard.progress(stop=stop)
    tasks = [
        partial(train_block, block, digits(), progress, stop)
        for group in groups(jobs_of(MIXED, SMOOTH))
        for block in way.blocks(group)
    ]
    run_in_lanes(tasks, way.lanes, way.threads, stop)
    assert {result.status for result in heard.results.values()} == {"FINISHED"}
    for job, curve in curves.items():
        assert heard.results[job].curve == pytest.approx(curve, rel=1e-4)


@pytest.mark.parametrize("count", [1, 3], ids=["alone", "stacked"])
def test_every_metric_of_every_epoch_is_told(count: int) -> None:
    heard = trained(small([f"seed={seed}" for seed in range(count)], "train.metrics=[f1]"))
    for job in range(count):
        assert heard.steps(job) == [1, 2, 3, 3], "the last for what is measured once"
        result = heard.results[job]
        assert result.objective == result.metrics["test/loss"] == result.curve[-1]
        assert set(result.metrics) >= {
            "train/loss", "train/accuracy", "test/loss", "test/accuracy", "lr", "time/epoch_seconds",
            "best/test/loss", "best/epoch", "final/train_loss", "final/train_accuracy",
            "test/f1_macro", "best/test/f1_macro", "final/train_f1_macro",
        }  # fmt: skip
        assert "stacked with 2 more" in heard.ends[job].log or count == 1


def test_a_stack_ends_with_what_its_members_would_have_learnt() -> None:
    jobs = small(["seed=0", "seed=1"])
    together, solo = trained(jobs), trained(jobs[:1])
    assert together.results[0].metrics["final/train_loss"] == pytest.approx(
        solo.results[0].metrics["final/train_loss"], rel=1e-4
    )


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_member_that_diverges_fails_with_its_epoch_and_the_others_do_not_notice(precision: str) -> None:
    common = f"data=linear loss=mse model=mlp optim.lr=0.01 train.precision={precision}"
    jobs = small(["seed=0", "optim.lr=1e30", "seed=1"], common)
    data = data_of(jobs[0])
    heard = trained(jobs, data)
    assert [heard.results[job].status for job in range(3)] == ["FINISHED", "FAILED", "FINISHED"]
    reason = heard.results[1].reason
    assert reason is not None
    assert reason.startswith("epoch 1: train/loss is ")
    assert heard.steps(1) == [1], "trained no more"
    assert not math.isfinite(heard.results[1].metrics["train/loss"])
    without = trained([jobs[0], jobs[2]], data)
    for job in (0, 2):
        assert heard.results[job].curve == pytest.approx(without.results[job].curve, rel=1e-6)


def test_a_loss_that_is_no_number_any_more_after_some_epochs_is_told_with_its_epoch() -> None:
    common = "data=linear loss=mse model=linear train.epochs=200"
    jobs = jobs_of(["optim.lr=0.1", "optim.lr=1.5"], common)
    heard = trained(jobs, data_of(jobs[0]))
    assert heard.results[0].status == "FINISHED"
    steps = heard.steps(1)
    assert 1 < len(steps) < 200
    assert str(heard.results[1].reason).startswith(f"epoch {steps[-1]}: train/loss is ")


class Pruner:
    """Ends jobs, and notes what they came to."""

    def __init__(self, decide: Callable[[int, int], bool]) -> None:
        self.decide = decide
        self.ended: dict[int, float | None] = {}

    def should_continue(self, job: int, epoch: int, objective: float) -> bool:
        assert objective > 0
        return self.decide(job, epoch)

    def job_ended(self, job: int, objective: float | None) -> None:
        self.ended[job] = objective


@pytest.mark.parametrize("count", [1, 3], ids=["alone", "stacked"])
def test_a_job_that_is_pruned_stops_and_says_after_which_epoch(count: int) -> None:
    heard, watch = Heard(), Pruner(lambda job, epoch: job != 0 or epoch < 2)
    jobs = small([f"seed={seed}" for seed in range(count)])
    train_block(jobs, digits(), heard.progress(watch=watch), Stop())
    assert watch.ended == {job: heard.results[job].objective for job in range(count)}
    assert (heard.results[0].pruned, heard.results[0].outcome) == (2, "PRUNED")
    assert heard.steps(0) == [1, 2, 2], "not trained any more"
    assert heard.results[0].status == "FINISHED"
    assert "stopped after epoch 2: pruned" in heard.ends[0].log
    for job in range(1, count):
        assert (heard.results[job].pruned, heard.results[job].outcome) == (None, "FINISHED")
        assert heard.steps(job) == [1, 2, 3, 3]
        alone_curve = [epoch.metrics["test/loss"] for epoch in alone(jobs[job], digits())]
        assert heard.results[job].curve == pytest.approx(alone_curve, rel=1e-4)


def test_a_wish_to_stop_is_heeded_before_the_next_batch() -> None:
    heard, stop = Heard(), Stop()

    def stopping(job: int, epoch: int) -> bool:
        stop.wish()
        return True

    watch = Pruner(stopping)
    run_in_lanes(
        [partial(train_block, small(["seed=0", "seed=1"]), digits(), heard.progress(watch=watch), stop)],
        1, 1, stop,
    )  # fmt: skip
    assert heard.steps(0) == heard.steps(1) == [1]
    assert heard.ends == {}, "whoever wished says how they end"


class Exits(Activation):
    """A layer that ends the program."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        sys.exit("that is it")


@dataclass(frozen=True, kw_only=True)
class Undrawable(Default):
    """An initialiser that fails."""

    def weight(self, W: Tensor, fans: Fans, generator: torch.Generator) -> None:
        raise RunnerError("no number is good enough")


@pytest.mark.parametrize("count", [1, 2], ids=["alone", "stacked"])
def test_a_model_that_exits_fails_its_own_jobs_only(count: int) -> None:
    jobs = small([f"seed={seed}" for seed in range(count)])
    bad = [with_layer(job, "a1", Exits) for job in jobs]
    heard = trained(bad)
    assert {(result.status, result.reason) for result in heard.results.values()} == {
        ("FAILED", "SystemExit: that is it")
    }
    assert sorted(heard.opened) == list(range(count))
    assert all("sys.exit" in str(end.failure and end.failure.trace) for end in heard.ends.values())


def test_a_member_whose_parameters_cannot_be_drawn_fails_alone() -> None:
    first, second, third = small(["seed=0", "seed=1", "seed=2"])
    bad = with_layer(second, "l1", partial(Linear, out_features=8, init=Undrawable()))
    heard = trained([first, bad, third])
    assert heard.results[1].reason == "no number is good enough"
    assert [heard.results[job].status for job in range(3)] == ["FINISHED", "FAILED", "FINISHED"]
    assert heard.results[0].curve == pytest.approx(
        [epoch.metrics["test/loss"] for epoch in alone(first, digits())], rel=1e-4
    )


@pytest.mark.parametrize("count", [1, 3], ids=["alone", "stacked"])
def test_who_stops_early_ends_well_with_its_best_weights(count: int) -> None:
    patience = "train.early_stopping.patience=2 train.early_stopping.min_delta=0.02 train.restore_best=true"
    common = f"{patience} optim=momentum schedule=exponential schedule.gamma=0.5 train.epochs=30"
    jobs = small(["seed=0", "optim.lr=0.3 seed=1", "optim.lr=0.9 seed=2"][:count], common)
    heard = trained(jobs)
    for job in range(count):
        result = heard.results[job]
        assert result.status == "FINISHED"
        assert len(result.curve) < 30
        assert "test/loss has not improved for 2 epochs" in heard.ends[job].log
        assert result.metrics["best/test/loss"] == min(result.curve) == result.objective


def test_the_best_weights_are_those_that_are_kept(tmp_path: Path) -> None:
    common = "train.restore_best=true tracking.log_model=true optim.lr=3 train.epochs=6"
    jobs = jobs_of(["seed=0", "seed=1"], common, tmp_path)
    heard = trained(jobs)
    for job in (0, 1):
        model = heard.ends[job].model
        assert model is not None
        predictor = load(model.folder)
        outputs = predictor.predict(digits().test.inputs.numpy())
        loss = torch.nn.functional.cross_entropy(torch.from_numpy(outputs), digits().test.targets)
        assert loss.item() == pytest.approx(min(heard.results[job].curve), rel=1e-5)
