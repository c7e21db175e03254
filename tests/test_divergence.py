"""Training that goes wrong is stopped, told of by epoch and step, or goes on without what would do harm."""

import math
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from mlflow.entities import Run
from torch import Tensor

import runner
from runner.data.dataset import Dataset
from runner.optim.skipping import Skipping
from runner.registry import RULES
from runner.sweep.blocks import stack_of, training_of, with_parameters
from runner.sweep.planning.lanes import Stop
from runner.types import Task
from tests.conftest import CommandLine, client_of, runs_in
from tests.sweep.composed import data_of, jobs_of

WILD = "data.limit=300 train.batch_size=50 train.epochs=4 optim.lr=1e30"


def test_the_step_is_found_at_which_a_training_goes_wrong() -> None:
    (job,) = jobs_of([""], WILD)
    training = training_of(job, with_parameters(job), data_of(job), Stop(), 4)
    before = training.snapshot()
    epoch = training.epoch()
    assert not epoch.is_finite
    fault = training.fault(before)
    assert fault is not None
    assert fault.startswith("step ")
    assert fault.endswith(" of 6: the loss is no finite number")


def test_a_gradient_is_named_by_its_parameter() -> None:
    """The loss of the only step is a number, its gradient is none."""
    (job,) = jobs_of([""], "data.limit=50 train.batch_size=50 optim.lr=1 data=linear model=linear loss=mse")
    parts = with_parameters(job)
    data = data_of(job)
    parts.store.params.fill_(1e19)
    training = training_of(job, parts, data, Stop(), 2)
    training._loss = Steep()
    before = training.snapshot()
    assert not training.epoch().is_finite
    assert training.fault(before) == "step 1 of 1: the gradient of l1.W is no finite number"


class Steep:
    """The root of the sum of squares of differences from themselves: 0, with a gradient of 0 / 0."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        return (prediction - prediction).square().sum().sqrt()


def test_the_step_of_a_member_of_a_stack_is_found_and_the_others_go_on() -> None:
    jobs = jobs_of(["optim.lr=0.1", "optim.lr=1e30", "optim.lr=0.2"], WILD.replace("optim.lr=1e30", ""))
    data: Dataset = data_of(jobs[0])
    stack = stack_of(jobs, [with_parameters(job) for job in jobs], data, Stop())
    alone = stack_of(jobs, [with_parameters(job) for job in jobs], data, Stop())
    before = stack.snapshot()
    assert [epoch.is_finite for epoch in stack.epoch()] == [True, False, True]
    fault = stack.fault(before, 1)
    assert fault is not None
    assert fault.endswith(" of 6: the loss is no finite number")
    alone.epoch()
    for each in (stack, alone):
        each.keep([0, 2])
        each.epoch()
    assert torch.equal(stack.store.params, alone.store.params)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
def test_a_step_without_finite_gradient_is_left_out_state_and_all(rule: str) -> None:
    skipping, plain = Skipping(RULES[rule](lr=0.1)), RULES[rule](lr=0.1)
    ours, theirs = torch.ones(3), torch.ones(3)
    our_state, their_state = skipping.init(ours), plain.init(theirs)
    good, bad = torch.tensor([0.1, -0.2, 0.3]), torch.tensor([0.1, float("nan"), 0.3])
    for gradient in (good, bad, good):
        skipping.step(ours, gradient.clone(), our_state, 0.1)
    for gradient in (good, good):
        plain.step(theirs, gradient.clone(), their_state, 0.1)
    assert torch.equal(ours, theirs)
    assert all(torch.equal(our_state[name], their_state[name]) for name in their_state)


def test_by_default_a_run_fails_with_epoch_and_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(runner.DivergedError, match=r"epoch 1: .* \(step \d of 6: the loss is no"):
        runner.run(WILD.split())


@pytest.mark.slow
def test_a_run_can_keep_what_the_last_good_epoch_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learning rate leaps in the third epoch."""
    monkeypatch.chdir(tmp_path)
    leap = "schedule=multi_step schedule.milestones=[2] schedule.gamma=1e30"
    common = ["data.limit=300", "train.batch_size=50", "tracking.pictures=false"]
    stopped = runner.run([*common, *leap.split(), "train.epochs=4", "train.on_divergence=stop"])
    good = runner.run([*common, "train.epochs=2"])
    assert len(stopped.epochs) == 2
    assert torch.equal(stopped.store.params, good.store.params)


@pytest.mark.slow
def test_in_a_sweep_each_model_is_looked_at_by_itself(command_line: CommandLine, in_tmp_path: Path) -> None:
    """Of two learning rates that leap, one ends with its last good epoch, the other fails all the same."""
    done = command_line(
        "-m", *WILD.replace(" optim.lr=1e30", "").split(),
        "schedule=multi_step", "schedule.milestones=[2]", "schedule.gamma=1,1e30",
        "train.on_divergence=stop,skip",
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be stacked: train.on_divergence=stop looks at each model by itself" in done.stdout
    assert "epoch 3: test/loss is nan" in done.stderr
    assert done.stderr.endswith("1 of 4 jobs failed\n")
    found = {
        (run.data.params["train.on_divergence"], run.data.params["schedule.gamma"]): run
        for run in runs_in(in_tmp_path)
        if "schedule.gamma" in run.data.params
    }
    ends = {swept: (run.info.status, epochs_of(in_tmp_path, run)) for swept, run in found.items()}
    assert ends == {
        ("stop", "1"): ("FINISHED", 4),
        ("stop", "1e+30"): ("FINISHED", 2),
        ("skip", "1"): ("FINISHED", 4),
        ("skip", "1e+30"): ("FAILED", 2),
    }


def epochs_of(folder: Path, run: Run) -> int:
    """How many epochs a run has finite losses of."""
    losses = client_of(folder).get_metric_history(run.info.run_id, "test/loss")
    return sum(math.isfinite(row.value) for row in losses)
