"""Rules, groups and schedules as they are used: from a command line to a trained model."""

from pathlib import Path

import pytest
import torch

from runner.sweep.blocks import training_of, with_parameters
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.plan import make_plan
from tests.conftest import CommandLine, client_of, runs_in
from tests.sweep.composed import alone, digits, jobs_of

pytestmark = pytest.mark.usefixtures("one_thread")

RULES = ["heavy_ball", "nesterov", "rmsprop", "adagrad", "adam", "adamw", "nadam", "lion", "torch"]
SCHEDULES = ["multi_step", "linear", "polynomial", "warm_restarts", "one_cycle", "reduce_on_plateau"]


@pytest.mark.slow
def test_rule_groups_clipping_and_schedule_are_told_on_the_command_line(
    command_line: CommandLine, in_tmp_path: Path
) -> None:
    done = command_line(
        "optim=adam",
        "optim.groups=[{match:'*.b',lr:0.01,weight_decay:0}]",
        "optim.clip_norm=1",
        "schedule=one_cycle",
        "schedule.warmup_steps=3",
        "train.epochs=4",
        "tracking.log_model=false",
        "tracking.pictures=false",
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(in_tmp_path)
    assert run.data.metrics["test/accuracy"] > 0.8
    assert run.data.params["optim.groups"] == "[{match:*.b,lr:0.01,weight_decay:0}]"
    history = client_of(in_tmp_path).get_metric_history(run.info.run_id, "lr")
    first, *_, last = [metric.value for metric in sorted(history, key=lambda metric: metric.step)]
    assert 0.0001 < first < 0.003
    assert last < 1e-6


@pytest.mark.slow
def test_groups_are_swept_one_by_one(command_line: CommandLine, in_tmp_path: Path) -> None:
    groups = [f"[{{match:'*.b',lr:{lr}}}]" for lr in (0, 1)]
    done = command_line("-m", f"optim.groups={groups[0]},{groups[1]}", "train.epochs=2")
    assert done.returncode == 0, done.stderr
    jobs = [run for run in runs_in(in_tmp_path) if "mlflow.parentRunId" in run.data.tags]
    assert [run.info.status for run in jobs] == ["FINISHED"] * 2
    assert len({run.data.metrics["test/loss"] for run in jobs}) == 2


def test_a_sweep_over_limits_of_the_gradient_may_be_stacked() -> None:
    jobs = jobs_of(["optim.clip_norm=1", "optim.clip_norm=0.1", "optim.clip_norm=2"])
    plan = make_plan(jobs, len(jobs), digits(), 1, "stacked", Stop())
    assert plan.way.is_stack


def test_a_sweep_with_an_optimiser_of_torch_trains_one_by_one_and_the_reason_is_told() -> None:
    jobs = jobs_of(["seed=0", "seed=1"], "optim=torch optim.type=torch.optim.Adamax")
    plan = make_plan(jobs, len(jobs), digits(), 1, "auto", Stop())
    assert plan.way.block == 1
    assert plan.reason.startswith("cannot be stacked: torch.optim.Adamax trains one model at a time; ")


def test_a_group_with_a_rate_of_zero_is_not_trained() -> None:
    (job,) = jobs_of(["optim=adam optim.groups=[{match:l1.*,lr:0}] train.epochs=2"])
    parts = with_parameters(job)
    before = {name: value.clone() for name, value in parts.store.named_parameters().items()}
    list(training_of(job, parts, digits(), Stop(), 2))
    after = parts.store.named_parameters()
    assert [name for name in before if torch.equal(before[name], after[name])] == ["l1.W", "l1.b"]


@pytest.mark.parametrize("name", RULES)
def test_digits_are_learnt_by_every_rule_as_its_yaml_has_it(name: str) -> None:
    (job,) = jobs_of([f"optim={name} train.epochs=4"])
    assert alone(job, digits())[-1].metrics["test/accuracy"] > 0.85


@pytest.mark.parametrize("name", SCHEDULES)
def test_digits_are_learnt_by_every_schedule_as_its_yaml_has_it(name: str) -> None:
    (job,) = jobs_of([f"schedule={name} train.epochs=4"])
    assert alone(job, digits())[-1].metrics["test/accuracy"] > 0.7
