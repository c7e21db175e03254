"""Every schedule against torch's own."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature

import pytest
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    StepLR,
)

from runner.optim.schedules import (
    Constant,
    Cosine,
    Exponential,
    LinearRate,
    Moment,
    MultiStep,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmRestarts,
    WarmUp,
)
from runner.registry import SCHEDULES

EPOCHS, STEPS, LR = 23, 5, 0.3

Make = Callable[[Optimizer], LRScheduler]

REFERENCES: dict[str, tuple[Schedule, Make]] = {
    "constant": (Constant(), lambda o: LinearLR(o, start_factor=1.0)),
    "step": (Step(step_size=7), lambda o: StepLR(o, step_size=7)),
    "step, gamma": (Step(step_size=1, gamma=0.8), lambda o: StepLR(o, step_size=1, gamma=0.8)),
    "multi_step": (MultiStep(milestones=(3, 8, 8, 20)), lambda o: MultiStepLR(o, [3, 8, 8, 20])),
    "exponential": (Exponential(gamma=0.9), lambda o: ExponentialLR(o, gamma=0.9)),
    "linear": (
        LinearRate(start_factor=0.9, end_factor=0.2, total_iters=10),
        lambda o: LinearLR(o, start_factor=0.9, end_factor=0.2, total_iters=10),
    ),
    "linear, to the end": (LinearRate(), lambda o: LinearLR(o, 1.0, 0.0, total_iters=EPOCHS)),
    "polynomial": (Polynomial(power=2.0), lambda o: PolynomialLR(o, total_iters=EPOCHS, power=2.0)),
    "polynomial, short": (Polynomial(total_iters=9), lambda o: PolynomialLR(o, total_iters=9)),
    "cosine": (Cosine(), lambda o: CosineAnnealingLR(o, T_max=EPOCHS)),
    "cosine, floor": (Cosine(floor=0.1), lambda o: CosineAnnealingLR(o, T_max=EPOCHS, eta_min=0.1 * LR)),
    "cosine, up again": (
        Cosine(T_max=5, floor=0.1),
        lambda o: CosineAnnealingLR(o, T_max=5, eta_min=0.1 * LR),
    ),
    "warm_restarts": (WarmRestarts(T_0=4), lambda o: CosineAnnealingWarmRestarts(o, 4)),
    "warm_restarts, all": (
        WarmRestarts(T_0=3, T_mult=2, floor=0.1),
        lambda o: CosineAnnealingWarmRestarts(o, 3, 2, eta_min=0.1 * LR),
    ),
}

TOTAL = EPOCHS * STEPS
CYCLES: dict[str, tuple[OneCycle, Make]] = {
    "cosine": (OneCycle(), lambda o: OneCycleLR(o, LR, TOTAL, cycle_momentum=False)),
    "linear": (
        OneCycle(anneal_strategy="linear", pct_start=0.5, div_factor=10, final_div_factor=100),
        lambda o: OneCycleLR(o, LR, TOTAL, None, None, 0.5, "linear", False, 0.85, 0.95, 10, 100),
    ),
    "three phases": (
        OneCycle(three_phase=True),
        lambda o: OneCycleLR(o, LR, TOTAL, cycle_momentum=False, three_phase=True),
    ),
}

PLATEAUS: dict[str, tuple[ReduceOnPlateau, dict[str, object]]] = {
    "as it is": (ReduceOnPlateau(patience=2), {"patience": 2}),
    "impatient": (ReduceOnPlateau(patience=0, gamma=0.5), {"patience": 0, "factor": 0.5}),
    "cooling down": (ReduceOnPlateau(patience=1, cooldown=3), {"patience": 1, "cooldown": 3}),
    "thresholds": (ReduceOnPlateau(patience=1, threshold=0.2), {"patience": 1, "threshold": 0.2}),
    "absolute": (
        ReduceOnPlateau(patience=1, threshold=0.1, threshold_mode="abs"),
        {"patience": 1, "threshold": 0.1, "threshold_mode": "abs"},
    ),
    "floor": (ReduceOnPlateau(patience=0, floor=0.05), {"patience": 0, "min_lr": 0.05 * LR}),
    "larger is better": (
        ReduceOnPlateau(metric="test/accuracy", patience=1, threshold=0.1),
        {"mode": "max", "patience": 1, "threshold": 0.1},
    ),
}


TORCHS: dict[str, type[LRScheduler]] = {
    "step": StepLR,
    "multi_step": MultiStepLR,
    "exponential": ExponentialLR,
    "linear": LinearLR,
    "polynomial": PolynomialLR,
    "cosine": CosineAnnealingLR,
    "warm_restarts": CosineAnnealingWarmRestarts,
    "one_cycle": OneCycleLR,
    "reduce_on_plateau": ReduceLROnPlateau,
}
CALLED = {"eta_min": "floor", "min_lr": "floor", "factor": "gamma", "mode": "metric"}
"""What is told in other words: as shares of the rate; by a metric's name, which says what is better."""

NOT_OURS = {
    "optimizer": "the program's",
    "last_epoch": "the program's",
    "max_lr": "is optim.lr",
    "total_steps": "train.epochs says",
    "epochs": "likewise",
    "steps_per_epoch": "likewise",
    "cycle_momentum": "the learning rate alone is scheduled",
    "base_momentum": "likewise",
    "max_momentum": "likewise",
    "eps": "0: no reduction is too small",
}
"""What torch's schedules can be told and ours cannot, and why."""


def optimizer() -> Optimizer:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)


def rates(make: Make, count: int) -> list[float]:
    """Torch's learning rate in each of its steps, be they epochs."""
    theirs = optimizer()
    scheduler = make(theirs)
    seen = []
    for _ in range(count):
        seen.append(theirs.param_groups[0]["lr"])
        theirs.step()
        scheduler.step()
    return seen


def in_epochs(schedule: Schedule, epochs: int = EPOCHS) -> list[float]:
    """The rate in each epoch."""
    return [LR * schedule.factor(Moment(e, epochs, (e - 1) * STEPS, STEPS)) for e in range(1, epochs + 1)]


def in_steps(schedule: Schedule) -> list[float]:
    """The rate in each step."""
    return [LR * schedule.factor(Moment(s // STEPS + 1, EPOCHS, s, STEPS)) for s in range(TOTAL)]


@pytest.mark.parametrize(("schedule", "make"), REFERENCES.values(), ids=REFERENCES)
def test_a_schedule_is_torchs_own(schedule: Schedule, make: Make) -> None:
    assert not schedule.per_step
    assert in_epochs(schedule) == pytest.approx(rates(make, EPOCHS), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("schedule", "make"), CYCLES.values(), ids=CYCLES)
def test_one_cycle_is_torchs_own_in_each_step(schedule: OneCycle, make: Make) -> None:
    assert schedule.per_step
    assert in_steps(schedule) == pytest.approx(rates(make, TOTAL), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("total", [1, 2, 3, 4])
@pytest.mark.parametrize("pct_start", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("three_phase", [False, True])
def test_a_cycle_may_be_very_short(total: int, pct_start: float, three_phase: bool) -> None:
    schedule = OneCycle(pct_start=pct_start, three_phase=three_phase)
    assert all(0 < schedule.factor(Moment(1, 1, step, total)) <= 1 for step in range(total))


def metrics(count: int = 40) -> list[float]:
    """Something that improves now and then."""
    noise = torch.rand(count, generator=torch.Generator().manual_seed(3))
    return [round(1 / (1 + place // 6) + 0.1 * float(each), 3) for place, each in enumerate(noise)]


@pytest.mark.parametrize(("schedule", "arguments"), PLATEAUS.values(), ids=PLATEAUS)
def test_a_plateau_is_torchs_own(schedule: ReduceOnPlateau, arguments: dict[str, object]) -> None:
    theirs = optimizer()
    scheduler = ReduceLROnPlateau(theirs, eps=0, **arguments)  # type: ignore[arg-type]  # of several types
    history: list[dict[str, float]] = []
    seen, expected = [], []
    for value in metrics():
        seen.append(LR * schedule.factor(Moment(len(history) + 1, 40, 0, 1, history)))
        expected.append(theirs.param_groups[0]["lr"])
        history.append({"train/loss": value, "test/accuracy": value})
        scheduler.step(value)
    assert seen == pytest.approx(expected, rel=1e-9)
    assert len(set(seen)) > 2, "something happens"


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_warm_up_goes_up_in_a_line_and_then_the_schedule_begins(epochs: int) -> None:
    schedule = WarmUp(Cosine(floor=0.1), epochs, 0, 0.2)
    assert schedule.per_step
    length = epochs * STEPS
    seen = in_steps(schedule)
    rising = rates(lambda o: LinearLR(o, start_factor=0.2, total_iters=length), length)
    assert seen[:length] == pytest.approx(rising, rel=1e-9)
    assert seen[length::STEPS] == pytest.approx(in_epochs(Cosine(floor=0.1), EPOCHS - epochs), rel=1e-9)


@pytest.mark.parametrize("schedule", [Step(step_size=1), OneCycle()])
def test_a_warm_up_of_a_few_steps_leaves_the_rest_as_it_is(schedule: Schedule) -> None:
    seen, without = in_steps(WarmUp(schedule, 0, 4, 0.2)), in_steps(schedule)
    factors = [mine / own for mine, own in zip(seen[:4], without[:4], strict=True)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert seen[4:] == without[4:]


def test_a_warm_up_that_ends_within_an_epoch_makes_it_the_schedules_first() -> None:
    seen = in_steps(WarmUp(Step(step_size=1, gamma=0.5), 1, 3, 0.2))
    assert seen[STEPS + 3 : 2 * STEPS] == [LR] * 2
    assert seen[2 * STEPS] == pytest.approx(LR / 2)


@pytest.mark.parametrize("schedule", [Constant(), Cosine(), OneCycle(), WarmRestarts(T_0=2)])
def test_a_warm_up_may_be_longer_than_the_training(schedule: Schedule) -> None:
    seen = in_steps(WarmUp(schedule, EPOCHS + 1, 0, 0.5))
    assert seen == sorted(seen)
    assert seen[0] == pytest.approx(0.5 * LR * schedule.factor(Moment(1, EPOCHS, 0, STEPS)))


def test_a_plateau_counts_from_the_end_of_the_warm_up() -> None:
    schedule = WarmUp(ReduceOnPlateau(patience=0), 3, 0, 1.0)

    def factor(losses: Sequence[float]) -> float:
        epoch = len(losses) + 1
        return schedule.factor(
            Moment(epoch, 9, (epoch - 1) * STEPS, STEPS, [{"train/loss": x} for x in losses])
        )

    assert factor([1, 2, 3, 4]) == 1
    assert factor([1, 2, 3, 4, 5]) == pytest.approx(0.1)


@pytest.mark.parametrize("name", TORCHS)
def test_a_schedule_takes_torchs_arguments(name: str) -> None:
    theirs = {each for each in signature(TORCHS[name]).parameters if each not in NOT_OURS}
    mine = {each.name for each in fields(SCHEDULES[name])}  # type: ignore[arg-type]  # a dataclass, all of them
    assert mine == {CALLED.get(each, each) for each in theirs}


def test_every_registered_schedule_has_a_reference() -> None:
    tested = [schedule for schedule, _ in (*REFERENCES.values(), *CYCLES.values(), *PLATEAUS.values())]
    assert {type(schedule) for schedule in tested} == set(SCHEDULES.values())
