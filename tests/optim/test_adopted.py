"""An optimiser of torch does to the parameters what it does by itself."""

import pytest
import torch

from runner.optim.adopted import Adopted, arguments_of, find_optimizer, optimizer_names
from runner.optim.rules import State

TAKE_NO_VECTOR = {"Muon", "SparseAdam"}
"""Wants matrices; wants sparse gradients."""


@pytest.mark.parametrize("name", optimizer_names())
def test_each_step_is_the_optimisers_own(name: str) -> None:
    optimizer = find_optimizer(name)
    assert optimizer is not None
    if name in TAKE_NO_VECTOR:
        with pytest.raises(ValueError, match=f"torch.optim.{name} refuses its arguments"):
            Adopted(optimizer=optimizer, arguments={})
        return
    rule = Adopted(optimizer=optimizer, arguments={"lr": 0.1})
    params, leaf = torch.linspace(-1, 1, 7), torch.linspace(-1, 1, 7).requires_grad_()
    state = rule.init(params)
    theirs = optimizer([leaf], lr=0.1)  # type: ignore[call-arg]  # each takes one
    for step in range(10):
        rate = 0.1 / (step + 1)
        rule.step(params, params.cos(), state, torch.tensor(rate, dtype=torch.float64))
        theirs.param_groups[0]["lr"] = rate
        leaf.grad = leaf.detach().cos()
        theirs.step()
        assert torch.equal(params, leaf)


def test_two_models_with_one_rule_have_nothing_in_common() -> None:
    rule = Adopted(optimizer=torch.optim.Adamax, arguments={})

    def trained(state: State, times: int) -> torch.Tensor:
        params = torch.ones(3)
        for _ in range(times):
            rule.step(params, torch.ones(3), state, 0.1)
        return params

    alone = trained(rule.init(torch.ones(3)), 1)
    trained(rule.init(torch.ones(3)), 5)
    assert torch.equal(trained(rule.init(torch.ones(3)), 1), alone)


def test_the_rate_is_the_optimisers_own_unless_it_is_given() -> None:
    assert Adopted(optimizer=torch.optim.Adadelta, arguments={}).lr == 1.0
    assert Adopted(optimizer=torch.optim.Adadelta, arguments={"lr": 0.5}).lr == 0.5


@pytest.mark.parametrize("name", ["Optimizer", "LBFGS", "lr_scheduler", "nothing", "adam", "__name__"])
def test_what_takes_no_gradient_a_step_is_none(name: str) -> None:
    assert find_optimizer(name) is None


def test_what_a_config_may_not_say_is_not_among_the_arguments() -> None:
    assert set(arguments_of(torch.optim.Adamax)) == {"lr", "betas", "eps", "weight_decay"}
