"""Every rule against its formula, step by step, on one model and on several at once."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from runner.optim.rules import SGD, Momentum, Rule

STEPS = 50
LR, DECAY = 0.3, 0.02


def gradient(params: Tensor, step: int) -> Tensor:
    return params * torch.arange(1, 6) + torch.sin(torch.tensor(float(step)))


def run(rule: Rule, params: Tensor, lr: float | Tensor = LR) -> Tensor:
    params = params.clone()
    state = rule.init(params)
    for step in range(STEPS):
        rule.step(params, gradient(params, step), state, lr)
    return params


def torch_sgd(params: Tensor, weight_decay: float = 0) -> Tensor:
    leaf = params.clone().requires_grad_()
    optimizer = torch.optim.SGD([leaf], lr=LR, weight_decay=weight_decay)
    for step in range(STEPS):
        leaf.grad = gradient(leaf.detach(), step)
        optimizer.step()
    return leaf.detach()


def article_momentum(params: Tensor, weight_decay: float = 0) -> Tensor:
    velocity = torch.zeros_like(params)
    for step in range(STEPS):
        velocity = 0.8 * velocity + (1 - 0.8) * (gradient(params, step) + weight_decay * params)
        params = params - LR * velocity
    return params


REFERENCES: list[tuple[Rule, Callable[[Tensor], Tensor]]] = [
    (SGD(lr=LR), torch_sgd),
    (Momentum(lr=LR, beta=0.8), article_momentum),
    (SGD(lr=LR, weight_decay=DECAY), partial(torch_sgd, weight_decay=DECAY)),
    (Momentum(lr=LR, beta=0.8, weight_decay=DECAY), partial(article_momentum, weight_decay=DECAY)),
]
NAMES = ["SGD", "Momentum", "SGD with weight decay", "Momentum with weight decay"]


def start() -> Tensor:
    return torch.linspace(-1, 1, 5, dtype=torch.float64)


@pytest.mark.parametrize(("rule", "reference"), REFERENCES, ids=NAMES)
def test_a_rule_is_its_formula(rule: Rule, reference: Callable[[Tensor], Tensor]) -> None:
    torch.testing.assert_close(run(rule, start()), reference(start()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("rule", "reference"), REFERENCES, ids=NAMES)
def test_the_same_lines_serve_a_stack_of_models(rule: Rule, reference: Callable[[Tensor], Tensor]) -> None:
    rates = torch.tensor([[0.1], [LR], [0.03]], dtype=torch.float64)
    stacked = run(rule, start().expand(3, 5), rates)
    for member, rate in zip(stacked, rates, strict=True):
        torch.testing.assert_close(member, run(rule, start(), rate.item()), rtol=1e-12, atol=1e-12)


def test_the_velocity_lasts_from_step_to_step() -> None:
    rule = Momentum(lr=1.0, beta=0.5)
    params = torch.zeros(1)
    state = rule.init(params)
    seen = []
    for _ in range(3):
        rule.step(params, torch.ones(1), state, 1.0)
        seen.append(state["velocity"].item())
    assert seen == [0.5, 0.75, 0.875]


@pytest.mark.parametrize(("rule", "reference"), REFERENCES, ids=NAMES)
def test_an_update_happens_in_place(rule: Rule, reference: Callable[[Tensor], Tensor]) -> None:
    params = start()
    pointer = params.data_ptr()
    rule.step(params, torch.ones_like(params), rule.init(params), LR)
    assert params.data_ptr() == pointer
    assert not torch.equal(params, start())
