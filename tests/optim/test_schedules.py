"""Every schedule against torch's own."""

from collections.abc import Callable

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LRScheduler, StepLR

from runner.optim.schedules import Constant, Cosine, Exponential, Moment, Schedule, Step

EPOCHS = 23

REFERENCES: list[tuple[Schedule, Callable[[torch.optim.Optimizer], LRScheduler]]] = [
    (Step(step_size=7), lambda optimizer: StepLR(optimizer, step_size=7)),
    (Step(step_size=1, gamma=0.8), lambda optimizer: StepLR(optimizer, step_size=1, gamma=0.8)),
    (Exponential(gamma=0.9), lambda optimizer: ExponentialLR(optimizer, gamma=0.9)),
    (Cosine(), lambda optimizer: CosineAnnealingLR(optimizer, T_max=EPOCHS)),
]


def factor(schedule: Schedule, epoch: int) -> float:
    """That of an epoch of one step."""
    return schedule.factor(Moment(epoch, EPOCHS, epoch - 1, 1))


def rates(reference: Callable[[torch.optim.Optimizer], LRScheduler], lr: float) -> list[float]:
    """Torch's learning rate in each epoch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = reference(optimizer)
    seen = []
    for _ in range(EPOCHS):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def test_constant_stays() -> None:
    assert [factor(Constant(), epoch) for epoch in range(1, 6)] == [1.0] * 5


@pytest.mark.parametrize(("schedule", "reference"), REFERENCES, ids=["step", "gamma", "exp", "cosine"])
def test_a_schedule_is_torchs_own(
    schedule: Schedule, reference: Callable[[torch.optim.Optimizer], LRScheduler]
) -> None:
    own = [0.3 * factor(schedule, epoch) for epoch in range(1, EPOCHS + 1)]
    assert own == pytest.approx(rates(reference, 0.3), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("schedule", [Constant(), *(schedule for schedule, _ in REFERENCES)])
def test_the_first_epoch_has_the_rate_as_it_is_given(schedule: Schedule) -> None:
    assert factor(schedule, 1) == 1
