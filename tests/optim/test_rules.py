"""Every rule against torch's own or its formula, step by step, alone, in a stack and replayed."""

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import Optimizer

from runner.engine.capture import Captured
from runner.optim.rules import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    HeavyBall,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    RMSprop,
    Rule,
)
from runner.optim.stacking import stack_rules
from runner.registry import RULES

STEPS = 50
LR, DECAY = 0.03, 0.02
CPU = torch.device("cpu")

Reference = Callable[[Tensor], Tensor]


def gradient(params: Tensor, step: int) -> Tensor:
    return params * torch.arange(1, 6) + torch.sin(torch.tensor(float(step)))


def run(rule: Rule, params: Tensor, lr: float | Tensor = LR) -> Tensor:
    params = params.clone()
    state = rule.init(params)
    for step in range(STEPS):
        rule.step(params, gradient(params, step), state, lr)
    return params


def torchs(optimizer: type[Optimizer], **arguments: Any) -> Reference:
    """What an optimiser of torch makes of parameters."""

    def reference(params: Tensor) -> Tensor:
        leaf = params.clone().requires_grad_()
        made = optimizer([leaf], **({"lr": LR} | arguments))
        for step in range(STEPS):
            leaf.grad = gradient(leaf.detach(), step)
            made.step()
        return leaf.detach()

    return reference


def article_momentum(weight_decay: float) -> Reference:
    def reference(params: Tensor) -> Tensor:
        velocity = torch.zeros_like(params)
        for step in range(STEPS):
            velocity = 0.8 * velocity + (1 - 0.8) * (gradient(params, step) + weight_decay * params)
            params = params - LR * velocity
        return params

    return reference


def lion(beta1: float, beta2: float, weight_decay: float) -> Reference:
    def reference(params: Tensor) -> Tensor:
        mean = torch.zeros_like(params)
        for step in range(STEPS):
            grads = gradient(params, step)
            direction = torch.sign(beta1 * mean + (1 - beta1) * grads)
            params = params - LR * (direction + weight_decay * params)
            mean = beta2 * mean + (1 - beta2) * grads
        return params

    return reference


OPTIM = torch.optim
REFERENCES: dict[str, tuple[Rule, Reference]] = {
    "sgd": (SGD(lr=LR), torchs(OPTIM.SGD)),
    "sgd, decay": (SGD(lr=LR, weight_decay=DECAY), torchs(OPTIM.SGD, weight_decay=DECAY)),
    "momentum": (Momentum(lr=LR, beta=0.8), article_momentum(0.0)),
    "momentum, decay": (Momentum(lr=LR, beta=0.8, weight_decay=DECAY), article_momentum(DECAY)),
    "heavy_ball": (HeavyBall(lr=LR), torchs(OPTIM.SGD, momentum=0.9)),
    "heavy_ball, all": (
        HeavyBall(lr=LR, momentum=0.7, dampening=0.4, weight_decay=DECAY),
        torchs(OPTIM.SGD, momentum=0.7, dampening=0.4, weight_decay=DECAY),
    ),
    "nesterov": (Nesterov(lr=LR), torchs(OPTIM.SGD, momentum=0.9, nesterov=True)),
    "nesterov, all": (
        Nesterov(lr=LR, momentum=0.7, weight_decay=DECAY),
        torchs(OPTIM.SGD, momentum=0.7, weight_decay=DECAY, nesterov=True),
    ),
    "rmsprop": (RMSprop(lr=LR), torchs(OPTIM.RMSprop)),
    "rmsprop, options": (
        RMSprop(lr=LR, alpha=0.9, eps=1e-3, weight_decay=DECAY),
        torchs(OPTIM.RMSprop, alpha=0.9, eps=1e-3, weight_decay=DECAY),
    ),
    "rmsprop, centered": (RMSprop(lr=LR, centered=True), torchs(OPTIM.RMSprop, centered=True)),
    "rmsprop, momentum": (RMSprop(lr=LR, momentum=0.6), torchs(OPTIM.RMSprop, momentum=0.6)),
    "rmsprop, all": (
        RMSprop(lr=LR, alpha=0.9, momentum=0.6, centered=True, weight_decay=DECAY),
        torchs(OPTIM.RMSprop, alpha=0.9, momentum=0.6, centered=True, weight_decay=DECAY),
    ),
    "adagrad": (Adagrad(lr=LR), torchs(OPTIM.Adagrad)),
    "adagrad, all": (
        Adagrad(lr=LR, lr_decay=0.1, initial_accumulator_value=0.5, eps=1e-3, weight_decay=DECAY),
        torchs(OPTIM.Adagrad, lr_decay=0.1, initial_accumulator_value=0.5, eps=1e-3, weight_decay=DECAY),
    ),
    "adam": (Adam(lr=LR), torchs(OPTIM.Adam)),
    "adam, amsgrad": (Adam(lr=LR, amsgrad=True), torchs(OPTIM.Adam, amsgrad=True)),
    "adam, all": (
        Adam(lr=LR, betas=(0.8, 0.95), eps=1e-3, weight_decay=DECAY, amsgrad=True),
        torchs(OPTIM.Adam, betas=(0.8, 0.95), eps=1e-3, weight_decay=DECAY, amsgrad=True),
    ),
    "adamw": (AdamW(lr=LR), torchs(OPTIM.AdamW)),
    "adamw, all": (
        AdamW(lr=LR, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3, amsgrad=True),
        torchs(OPTIM.AdamW, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3, amsgrad=True),
    ),
    "nadam": (NAdam(lr=LR), torchs(OPTIM.NAdam)),
    "nadam, all": (
        NAdam(lr=LR, betas=(0.8, 0.95), eps=1e-3, momentum_decay=0.1, weight_decay=DECAY),
        torchs(OPTIM.NAdam, betas=(0.8, 0.95), eps=1e-3, momentum_decay=0.1, weight_decay=DECAY),
    ),
    "nadam, decoupled": (
        NAdam(lr=LR, weight_decay=DECAY, decoupled_weight_decay=True),
        torchs(OPTIM.NAdam, weight_decay=DECAY, decoupled_weight_decay=True),
    ),
    "lion": (Lion(lr=LR), lion(0.9, 0.99, 0.0)),
    "lion, all": (Lion(lr=LR, betas=(0.8, 0.95), weight_decay=DECAY), lion(0.8, 0.95, DECAY)),
}

TORCHS: dict[str, type[Optimizer]] = {
    "sgd": OPTIM.SGD,
    "heavy_ball": OPTIM.SGD,
    "nesterov": OPTIM.SGD,
    "rmsprop": OPTIM.RMSprop,
    "adagrad": OPTIM.Adagrad,
    "adam": OPTIM.Adam,
    "adamw": OPTIM.AdamW,
    "nadam": OPTIM.NAdam,
}
NOT_OURS = {
    "params": "the program's",
    "foreach": "how it is computed, not what",
    "fused": "likewise",
    "capturable": "likewise",
    "differentiable": "likewise",
    "maximize": "a loss is made small",
    "nesterov": "a rule of its own",
    "momentum of sgd": "heavy_ball has it",
    "dampening of sgd": "likewise",
    "dampening of nesterov": "torch refuses any",
    "decoupled_weight_decay of adam": "adamw has it",
}
"""What torch's optimisers can be told and our rules cannot, and why."""

every_rule = pytest.mark.parametrize("rule", [rule for rule, _ in REFERENCES.values()], ids=REFERENCES)


def start() -> Tensor:
    return torch.linspace(-1, 1, 5, dtype=torch.float64)


@pytest.mark.parametrize(("rule", "reference"), REFERENCES.values(), ids=REFERENCES)
def test_a_rule_is_torchs_own_or_its_formula(rule: Rule, reference: Reference) -> None:
    rtol = 1e-6 if isinstance(rule, NAdam) else 1e-11  # torch's keeps a product in float32
    torch.testing.assert_close(run(rule, start()), reference(start()), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", TORCHS)
def test_a_rule_takes_torchs_arguments(name: str) -> None:
    theirs = {each for each in signature(TORCHS[name]).parameters if each not in NOT_OURS}
    left_out = {each for each in theirs if f"{each} of {name}" in NOT_OURS}
    assert {field.name for field in fields(RULES[name])} == theirs - left_out  # type: ignore[arg-type]


def test_every_registered_rule_has_a_reference() -> None:
    assert {type(rule) for rule, _ in REFERENCES.values()} == set(RULES.values())


@every_rule
def test_the_same_lines_serve_a_stack_of_models(rule: Rule) -> None:
    rates = torch.tensor([[0.1], [LR], [0.003]], dtype=torch.float64)
    stacked = run(rule, start().expand(3, 5), rates)
    for member, rate in zip(stacked, rates, strict=True):
        torch.testing.assert_close(member, run(rule, start(), rate.item()), rtol=1e-10, atol=1e-10)


@every_rule
def test_some_members_of_a_stack_go_on_as_they_would_have(rule: Rule) -> None:
    rates = torch.tensor([[0.1], [LR], [0.003]])
    rows = [0, 2]
    params = start().float().expand(3, 5).clone()
    together = stack_rules([rule] * 3, CPU)
    state = together.init(params)
    for step in range(5):
        together.step(params, gradient(params, step), state, rates)
    some = params[rows]
    kept = {name: value[rows] if value.dim() else value.clone() for name, value in state.items()}
    for step in range(5, 10):
        together.step(params, gradient(params, step), state, rates)
        together.step(some, gradient(some, step), kept, rates[rows])
    assert torch.equal(some, params[rows])


@every_rule
def test_a_rule_with_every_option_is_replayed_to_the_bit(rule: Rule) -> None:
    def steps(wrap: Callable[[Callable[[], None]], Callable[[], None]]) -> Tensor:
        params, grads = torch.linspace(-1, 1, 7), torch.zeros(7)
        state, lr = rule.init(params), torch.zeros((), dtype=torch.float64)
        update = wrap(lambda: rule.step(params, grads, state, lr))
        for number in range(6):
            lr.fill_(LR * number)  # and nothing goes wrong at a rate of 0
            grads.copy_(params.cos())
            update()
        return params

    replayed = steps(lambda update: Captured(update, CPU))
    assert replayed.isfinite().all()
    assert torch.equal(replayed, steps(lambda update: update))


@every_rule
def test_a_rule_sees_no_number_of_a_tensor(rule: Rule, caplog: pytest.LogCaptureFixture) -> None:
    params, lr = start(), torch.tensor(LR, dtype=torch.float64)
    state = rule.init(params)
    Captured(lambda: rule.step(params, torch.ones(5, dtype=torch.float64), state, lr), CPU)()
    assert "cannot be captured" not in caplog.text


def test_the_velocity_lasts_from_step_to_step() -> None:
    rule = Momentum(lr=1.0, beta=0.5)
    params = torch.zeros(1)
    state = rule.init(params)
    seen = []
    for _ in range(3):
        rule.step(params, torch.ones(1), state, 1.0)
        seen.append(state["velocity"].item())
    assert seen == [0.5, 0.75, 0.875]


@every_rule
def test_an_update_happens_in_place(rule: Rule) -> None:
    params = start()
    pointer = params.data_ptr()
    rule.step(params, torch.ones_like(params), rule.init(params), LR)
    assert params.data_ptr() == pointer
    assert not torch.equal(params, start())


def test_a_variance_that_rounding_left_below_zero_does_no_harm() -> None:
    rule = RMSprop(lr=0.1, alpha=0.3, centered=True)
    params, grads = torch.zeros(1000), torch.linspace(0.1, 1, 1000)
    state = rule.init(params)
    for _ in range(100):
        rule.step(params, grads.clone(), state, 0.1)
    assert params.isfinite().all()
