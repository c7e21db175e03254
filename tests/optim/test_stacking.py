"""One rule for K models does to each what its own rule does."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from runner.optim.rules import SGD, Momentum, Rule, State
from runner.optim.stacking import stack_rules

CPU = torch.device("cpu")

RULES: dict[str, Sequence[Rule]] = {
    "sgd": [SGD(lr=0.1), SGD(lr=0.3, weight_decay=0.1), SGD(lr=0.01, weight_decay=0.01)],
    "momentum": [
        Momentum(lr=0.1),
        Momentum(lr=0.3, beta=0.5, weight_decay=0.1),
        Momentum(lr=0.01, beta=0.99),
    ],
    "the same": [Momentum(lr=0.1, beta=0.7, weight_decay=0.2)] * 2,
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
            torch.testing.assert_close(states[name][row], value, rtol=1e-5, atol=1e-6)


def test_what_all_have_in_common_stays_a_number() -> None:
    rule = stack_rules([Momentum(lr=0.1, beta=0.5), Momentum(lr=0.2, beta=0.6)], CPU)
    assert isinstance(rule, Momentum)
    assert rule.weight_decay == 0
    assert isinstance(rule.beta, Tensor)
    assert rule.beta.tolist() == [[0.5], [pytest.approx(0.6)]]


def test_a_rule_that_is_no_dataclass_cannot_be_stacked() -> None:
    class Own:
        lr = 0.1

        def init(self, params: Tensor) -> State:
            return {}

        def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
            params.sub_(grads)

    with pytest.raises(TypeError, match="Own is no dataclass"):
        stack_rules([Own(), Own()], CPU)
