"""Groups of parameters are what param_groups of torch's optimisers are."""

from typing import Any

import pytest
import torch
from torch import Tensor

from runner.optim.groups import Group, grouped
from runner.optim.rules import SGD, Adam, Rule

SIZES = {"l1.W": 4, "l1.b": 2, "l2.W": 3, "l2.b": 1}
PLACES = {"l1.W": slice(0, 4), "l1.b": slice(4, 6), "l2.W": slice(6, 9), "l2.b": slice(9, 10)}
LIKE = torch.zeros((), dtype=torch.float64)


def gradient(params: Tensor, step: int) -> Tensor:
    return params * 2 + torch.sin(torch.tensor(float(step)))


def start() -> Tensor:
    return torch.linspace(-1, 1, 10, dtype=torch.float64)


def trained(rule: Rule, rate: float) -> Tensor:
    params = start()
    state = rule.init(params)
    for step in range(50):
        rule.step(params, gradient(params, step), state, rate)
    return params


def test_each_group_is_one_of_torchs_param_groups() -> None:
    groups = [
        Group("*.b", Adam(lr=0.5, betas=(0.5, 0.9))),
        Group("l2.*", Adam(lr=0.1, eps=1e-3, weight_decay=0.1)),
    ]
    rule = grouped(Adam(lr=0.1), groups, SIZES, LIKE)
    leaves = {name: start()[place].clone().requires_grad_() for name, place in PLACES.items()}
    param_groups: list[dict[str, Any]] = [
        {"params": [leaves["l1.W"]]},
        {"params": [leaves["l1.b"], leaves["l2.b"]], "lr": 0.5, "betas": (0.5, 0.9)},
        {"params": [leaves["l2.W"]], "eps": 1e-3, "weight_decay": 0.1},
    ]
    optimizer = torch.optim.Adam(param_groups, lr=0.1)
    for step in range(50):
        for leaf in leaves.values():
            leaf.grad = gradient(leaf.detach(), step)
        optimizer.step()
    params = trained(rule, 0.1)
    for name, place in PLACES.items():
        torch.testing.assert_close(params[place], leaves[name].detach(), rtol=1e-11, atol=1e-12)


def test_a_groups_rate_keeps_its_proportion_to_what_the_schedule_says() -> None:
    rule = grouped(SGD(lr=0.1), [Group("l1.*", SGD(lr=0.02))], SIZES, LIKE)
    assert rule.lr == 0.1
    params = trained(rule, 0.05)
    torch.testing.assert_close(params[:6], trained(SGD(lr=0.02), 0.01)[:6])
    torch.testing.assert_close(params[6:], trained(SGD(lr=0.1), 0.05)[6:])


def test_the_first_group_that_matches_counts() -> None:
    groups = [Group("l1.W", SGD(lr=0.1, weight_decay=1.0)), Group("*", SGD(lr=0.1, weight_decay=2.0))]
    rule = grouped(SGD(lr=0.1), groups, SIZES, LIKE).rule
    assert isinstance(rule, SGD)
    assert torch.as_tensor(rule.weight_decay).tolist() == [1.0] * 4 + [2.0] * 6


def test_a_rate_of_zero_freezes_a_group() -> None:
    params = trained(grouped(Adam(lr=0.1), [Group("*.W", Adam(lr=0.0))], SIZES, LIKE), 0.1)
    frozen = torch.cat([params[PLACES["l1.W"]], params[PLACES["l2.W"]]])
    assert torch.equal(frozen, torch.cat([start()[PLACES["l1.W"]], start()[PLACES["l2.W"]]]))
    assert not torch.equal(params[PLACES["l1.b"]], start()[PLACES["l1.b"]])


def test_a_rate_cannot_be_a_share_of_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        grouped(SGD(lr=0.0), [Group("*.W", SGD(lr=0.1))], SIZES, LIKE)
