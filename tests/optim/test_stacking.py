"""One rule for K models does to each what its own rule does."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from runner.optim.adopted import Adopted
from runner.optim.clipping import Clipped
from runner.optim.groups import Group, Scaled, grouped
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
    State,
)
from runner.optim.stacking import stack_rules

CPU = torch.device("cpu")
SIZES = {"l1.W": 3, "l1.b": 2}


def in_groups(rule: Rule, biases: Rule) -> Rule:
    """A rule for weights and one for biases, clipped."""
    return Clipped(grouped(rule, [Group("*.b", biases)], SIZES, torch.zeros(())), 0.5, None)


RULES: dict[str, Sequence[Rule]] = {
    "sgd": [SGD(lr=0.1), SGD(lr=0.3, weight_decay=0.1), SGD(lr=0.01, weight_decay=0.01)],
    "momentum": [
        Momentum(lr=0.1),
        Momentum(lr=0.3, beta=0.5, weight_decay=0.1),
        Momentum(lr=0.01, beta=0.99),
    ],
    "the same": [Momentum(lr=0.1, beta=0.7, weight_decay=0.2)] * 2,
    "heavy_ball": [HeavyBall(lr=0.1), HeavyBall(lr=0.03, momentum=0.5, dampening=0.2, weight_decay=0.1)],
    "nesterov": [Nesterov(lr=0.1), Nesterov(lr=0.03, momentum=0.5, weight_decay=0.1)],
    "rmsprop": [RMSprop(lr=0.1), RMSprop(lr=0.03, alpha=0.9, eps=1e-4, momentum=0.5, weight_decay=0.1)],
    "rmsprop, centered": [RMSprop(lr=0.1, centered=True), RMSprop(lr=0.1, alpha=0.9, centered=True)],
    "adagrad": [
        Adagrad(lr=0.1),
        Adagrad(lr=0.1, lr_decay=0.1, initial_accumulator_value=0.3, eps=1e-4, weight_decay=0.1),
    ],
    "adam": [Adam(lr=0.01), Adam(lr=0.1, betas=(0.5, 0.9), eps=1e-4, weight_decay=0.1)],
    "adamw": [AdamW(lr=0.01, amsgrad=True), AdamW(lr=0.1, betas=(0.9, 0.99), weight_decay=0.3, amsgrad=True)],
    "nadam": [NAdam(lr=0.01), NAdam(lr=0.1, betas=(0.8, 0.95), momentum_decay=0.1, weight_decay=0.1)],
    "lion": [Lion(lr=0.01), Lion(lr=0.1, betas=(0.8, 0.95), weight_decay=0.1)],
    "clipped": [Clipped(SGD(lr=0.1), 0.1, 0.3), Clipped(SGD(lr=0.1, weight_decay=0.1), 1.0, 0.2)],
    "groups": [
        in_groups(NAdam(lr=0.1), NAdam(lr=0.01, betas=(0.8, 0.9))),
        in_groups(NAdam(lr=0.2, weight_decay=0.1), NAdam(lr=0.01, betas=(0.7, 0.9))),
    ],
}


def trained(rule: Rule, params: Tensor, lr: float | Tensor) -> tuple[Tensor, State]:
    params = params.clone()
    state = rule.init(params)
    for step in range(30):
        rule.step(params, params * torch.arange(1, 6) + float(step % 3), state, lr)
    return params, state


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_each_row_is_what_its_own_rule_makes_of_it(rules: Sequence[Rule]) -> None:
    start = torch.randn(len(rules), 5, generator=torch.Generator().manual_seed(0))
    rates = torch.tensor([[rule.lr] for rule in rules])
    together, states = trained(stack_rules(rules, CPU), start, rates)
    for row, rule in enumerate(rules):
        own, state = trained(rule, start[row], rule.lr)
        torch.testing.assert_close(together[row], own, rtol=1e-5, atol=1e-6)
        for name, value in state.items():
            in_stack = states[name][row] if states[name].dim() else states[name]
            torch.testing.assert_close(in_stack.expand_as(value), value, rtol=1e-5, atol=1e-6)


def test_what_all_have_in_common_stays_a_number() -> None:
    rule = stack_rules([Momentum(lr=0.1, beta=0.5), Momentum(lr=0.2, beta=0.6)], CPU)
    assert isinstance(rule, Momentum)
    assert rule.weight_decay == 0
    assert isinstance(rule.beta, Tensor)
    assert rule.beta.tolist() == [[0.5], [0.6]]


def test_of_a_pair_only_the_number_that_differs_becomes_a_column() -> None:
    rule = stack_rules([Adam(lr=0.1), Adam(lr=0.1, betas=(0.9, 0.99))], CPU)
    assert isinstance(rule, Adam)
    beta1, beta2 = rule.betas
    assert beta1 == 0.9
    assert isinstance(beta2, Tensor)


def test_vectors_that_all_have_in_common_stay_one() -> None:
    biases = Group("*.b", SGD(lr=0.1, weight_decay=0.1))
    rule = stack_rules([grouped(SGD(lr=lr), [biases], SIZES, torch.zeros(())) for lr in (0.1, 0.2)], CPU)
    assert isinstance(rule, Scaled)
    assert isinstance(rule.rule, SGD)
    assert torch.as_tensor(rule.rule.weight_decay).shape == (5,)
    assert torch.as_tensor(rule.factor).shape == (2, 5)


def test_a_switch_that_differs_cannot_be_stacked() -> None:
    with pytest.raises(TypeError, match="amsgrad differs"):
        stack_rules([Adam(lr=0.1), Adam(lr=0.1, amsgrad=True)], CPU)


@pytest.mark.parametrize("wrapped", [False, True])
def test_torchs_optimisers_cannot_be_stacked_and_say_why(wrapped: bool) -> None:
    rule: Rule = Adopted(optimizer=torch.optim.Adamax, arguments={})
    rule = Clipped(rule, 1.0, None) if wrapped else rule
    with pytest.raises(TypeError, match=r"torch\.optim\.Adamax trains one model at a time"):
        stack_rules([rule, rule], CPU)


def test_a_rule_that_is_no_dataclass_cannot_be_stacked() -> None:
    class Own:
        lr = 0.1

        def init(self, params: Tensor) -> State:
            return {}

        def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
            params.sub_(grads)

    with pytest.raises(TypeError, match="Own is no dataclass"):
        stack_rules([Own(), Own()], CPU)
