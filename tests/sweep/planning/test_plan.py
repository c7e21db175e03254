"""How a group is trained is found out by trials, which leave no trace and cannot end a sweep."""

import sys
from collections.abc import Callable, Sequence
from math import log2
from typing import get_args

import pytest
import torch
from torch import Tensor

from runner.data.dataset import Dataset
from runner.nn.layers.activation import Activation
from runner.nn.layers.layer import Layer
from runner.nn.store import ParameterStore
from runner.sweep.blocks import train_block
from runner.sweep.datasets import Datasets
from runner.sweep.jobs import Job
from runner.sweep.planning.lanes import Stop, Stopped
from runner.sweep.planning.plan import Mode, Plan, Work, doubled, halved, make_plan
from runner.sweep.planning.plans import make_plans
from runner.sweep.planning.trial import CannotTrainError, Cost
from runner.sweep.planning.way import Way
from tests.sweep.composed import Heard, alone, digits, jobs_of, with_layer

LSTM = "model=lstm model.layers.lstm.hidden_size=4 data.limit=64 train.batch_size=16 train.epochs=1"

QUICK_FIRST = ["auto", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("stacked", "solo"))]
"""The modes, of which ``auto`` tries what the others do."""


def seeds(count: int, common: str = "") -> list[Job]:
    return jobs_of([f"seed={seed}" for seed in range(count)], f"model.layers.l1.out_features=8 {common}")


def plan(jobs: Sequence[Job], mode: Mode = "auto", cores: int = 2, data: Dataset | None = None) -> Plan:
    return make_plan(jobs, len(jobs), data or digits(), cores, mode, Stop())


def test_what_is_fastest_in_trials_is_chosen_and_all_of_them_are_told() -> None:
    found = plan(seeds(40))
    assert found.seconds > 0
    assert found.reason.startswith(f"tried: {found.way}: {found.seconds:.3g} s; ")
    assert "one by one" in found.reason
    assert "stacks of" in found.reason


@pytest.mark.parametrize(
    ("best", "tried"), [(32, {16, 32, 40, 8}), (4, {16, 32, 8, 4, 2}), (1, {16, 32, 8, 4, 2})]
)
def test_sizes_of_blocks_are_tried_as_long_as_they_get_better(
    best: int, tried: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def cost(jobs: Sequence[Job], data: Dataset, way: Way, stop: Stop) -> Cost:
        sizes.append(way.block)
        return Cost(setup=0, step=1e-4 * way.block * (1 + abs(log2(way.block / best))), between=0)

    monkeypatch.setattr("runner.sweep.planning.plan.trial", cost)
    found = plan(seeds(40, "train.epochs=1000"), cores=1)
    assert found.way.block == best
    assert {size for size in sizes if size > 1} == tried
    assert len(sizes) == len(set(sizes)), "none twice"


def test_stacks_may_not_be_larger_than_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(jobs: Sequence[Job], data: Dataset, way: Way, stop: Stop) -> Cost:
        if way.block > 16:
            raise CannotTrainError("no memory")
        return Cost(setup=0, step=1, between=0)

    monkeypatch.setattr("runner.sweep.planning.plan.trial", cost)
    found = plan(seeds(40, "train.epochs=1000"), cores=1)
    assert found.way == Way(16, 1, 1)
    assert "cannot be stacked" not in found.reason


def test_a_model_that_cannot_be_stacked_is_trained_one_by_one_and_the_reason_is_told() -> None:
    jobs = jobs_of(["seed=0", "seed=1"], LSTM)
    found = plan(jobs)
    assert found.way.block == 1
    assert found.reason.startswith("cannot be stacked: ")
    assert "\n" not in found.reason


def test_a_model_that_cannot_be_stacked_is_trained_one_by_one_even_if_stacks_are_wanted() -> None:
    found = plan(jobs_of(["seed=0", "seed=1"], LSTM), "stacked")
    assert found.way.block == 1
    assert found.reason.startswith("cannot be stacked: ")


def test_stacks_alone_are_tried_if_they_are_wanted() -> None:
    found = plan(seeds(4), "stacked")
    assert found.way.block > 1
    assert "one by one" not in found.reason


@pytest.mark.parametrize(
    ("mode", "cores", "way"),
    [(4, 1, Way(4, 1, 1)), (4, 2, Way(4, 2, 1)), (100, 2, Way(5, 2, 1)), (1, 2, Way(1, 2, 1))],
)
def test_a_size_that_is_wanted_is_taken_unmeasured_against_others(mode: int, cores: int, way: Way) -> None:
    found = plan(seeds(10), mode, cores)
    assert found.way == way
    assert found.reason.startswith(f"tried: {way}: ")
    assert ";" not in found.reason


def test_no_stack_is_tried_if_none_is_wanted() -> None:
    found = plan(seeds(4), "solo")
    assert found.way.block == 1
    assert "stacks" not in found.reason


@pytest.mark.parametrize("mode", QUICK_FIRST)
def test_a_single_job_has_all_cores(mode: Mode) -> None:
    assert plan(seeds(1), mode).way == Way(1, 1, 2)


def test_one_core_is_one_lane() -> None:
    assert plan(seeds(4), "solo", cores=1).way == Way(1, 1, 1)


@pytest.mark.parametrize("mode", QUICK_FIRST)
def test_a_plan_never_stacks_more_than_there_are(mode: Mode) -> None:
    for count in (2, 3):
        assert plan(seeds(count), mode).way.block <= count


def test_trials_leave_what_jobs_will_be_trained_from_untouched() -> None:
    jobs = seeds(4, "optim=momentum train.epochs=2")
    states = [(job.parts.init_generator.get_state(), job.parts.order_generator.get_state()) for job in jobs]
    plan(jobs)
    assert not any(job.parts.store.sealed for job in jobs)
    for job, (init, order) in zip(jobs, states, strict=True):
        assert torch.equal(job.parts.init_generator.get_state(), init)
        assert torch.equal(job.parts.order_generator.get_state(), order)
    heard = Heard()
    train_block(jobs, digits(), heard.progress(), Stop())
    (fresh,) = seeds(1, "optim=momentum train.epochs=2")
    assert heard.results[0].curve == pytest.approx(
        [epoch.metrics["test/loss"] for epoch in alone(fresh, digits())], rel=1e-4
    )


def test_trials_leave_torchs_threads_as_they_are() -> None:
    before = torch.get_num_threads()
    plan(seeds(4))
    assert torch.get_num_threads() == before


def test_the_sizes_that_are_tried() -> None:
    assert list(doubled(16, 100)) == [32, 64, 100]
    assert list(doubled(16, 16)) == []
    assert list(halved(16)) == [8, 4, 2]
    assert list(halved(3)) == []


def test_work_is_done_in_rounds_and_what_blocks_hold_costs() -> None:
    cost = Cost(setup=10, step=3, between=1)
    assert Work(jobs=8, epochs=2, batches=5).seconds(Way(4, 1, 1), cost) == 2 * (10 + 2) + 2 * 2 * 5 * 3
    assert Work(jobs=8, epochs=2, batches=5).seconds(Way(4, 2, 1), cost) == (10 + 2) + 2 * 5 * 3
    assert Work(jobs=6, epochs=1, batches=1).seconds(Way(4, 1, 1), cost) == 2 * 11 + 1.5 * 3


class Exits(Activation):
    """A layer that ends the program."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        sys.exit("that is it")


class Breaks(Activation):
    """A layer that does not work."""

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        raise ValueError("this layer\ndoes not work")


@pytest.mark.parametrize(("layer", "why"), [(Exits, "that is it"), (Breaks, "this layer")])
@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("count", [1, 3])
def test_jobs_that_cannot_be_tried_are_left_to_fail_by_themselves(
    layer: Callable[..., Layer], why: str, mode: Mode, count: int
) -> None:
    jobs = [with_layer(job, "a1", layer) for job in seeds(count)]
    found = plan(jobs, mode)
    assert found.way.block == 1
    assert why in found.reason
    assert "\n" not in found.reason


def test_a_wish_to_stop_ends_the_trials() -> None:
    stop = Stop()
    stop.wish()
    with pytest.raises(Stopped):
        make_plan(seeds(2), 2, digits(), 2, "auto", stop)


def test_each_group_has_a_plan_and_what_is_left_over_one_more() -> None:
    sizes = [8, 8, 16, 24, 16]
    jobs = jobs_of([f"model.layers.l1.out_features={size} train.epochs=1" for size in sizes])
    plans = make_plans(jobs, Datasets(), "solo", Stop())
    assert [[job.number for job in each.jobs] for each in plans] == [[0, 1], [2, 4], [3]]
    for each in plans:
        assert each.plan.seconds > 0
    assert str(plans[0]).startswith("2 jobs, about ")
    assert str(plans[2]).startswith("job 3, about ")


def test_a_group_too_large_for_memory_hinders_no_other() -> None:
    jobs = jobs_of([f"model.layers.l1.out_features={size} train.epochs=1" for size in (8, 10**15, 8)])
    plans = make_plans(jobs, Datasets(), "auto", Stop())
    assert [[job.number for job in each.jobs] for each in plans] == [[0, 2], [1]]
    assert "memory" in plans[1].plan.reason
