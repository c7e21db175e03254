"""Clipping is that of torch.nn.utils."""

import pytest
import torch
from torch import Tensor

from runner.engine.capture import Captured
from runner.optim.clipping import Clipped
from runner.optim.rules import SGD

LIMITS = [(0.5, None), (100.0, None), (None, 0.2), (0.5, 0.2)]


def gradients(seed: int) -> Tensor:
    return torch.randn(20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def clipped_by_torch(grads: Tensor, clip_norm: float | None, clip_value: float | None) -> Tensor:
    leaf = torch.zeros_like(grads, requires_grad=True)
    leaf.grad = grads.clone()
    if clip_value is not None:
        torch.nn.utils.clip_grad_value_(leaf, clip_value)
    if clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(leaf, clip_norm)
    return leaf.grad


@pytest.mark.parametrize(("clip_norm", "clip_value"), LIMITS)
def test_gradients_are_clipped_as_torch_does_it(clip_norm: float | None, clip_value: float | None) -> None:
    rule = Clipped(SGD(lr=1.0), clip_norm, clip_value)
    assert rule.lr == 1
    params = torch.zeros(20, dtype=torch.float64)
    rule.step(params, gradients(0), rule.init(params), 1.0)
    torch.testing.assert_close(params, -clipped_by_torch(gradients(0), clip_norm, clip_value))


def test_each_model_of_a_stack_has_its_own_norm() -> None:
    rule = Clipped(SGD(lr=1.0), 0.5, None)
    params = torch.zeros(3, 20, dtype=torch.float64)
    grads = torch.stack([gradients(0), 1e-2 * gradients(1), 100 * gradients(2)])
    rule.step(params, grads.clone(), rule.init(params), 1.0)
    for row, own in zip(params, grads, strict=True):
        torch.testing.assert_close(row, -clipped_by_torch(own, 0.5, None))
    assert torch.equal(params[1], -grads[1]), "what is small enough stays as it is"


@pytest.mark.parametrize(("clip_norm", "clip_value"), LIMITS)
def test_clipping_is_replayed_to_the_bit(clip_norm: float | None, clip_value: float | None) -> None:
    rule = Clipped(SGD(lr=1.0), clip_norm, clip_value)

    def steps(capture: bool) -> Tensor:
        params, grads = torch.zeros(20, dtype=torch.float64), torch.zeros(20, dtype=torch.float64)
        state = rule.init(params)

        def update() -> None:
            rule.step(params, grads, state, 0.1)

        run = Captured(update, torch.device("cpu")) if capture else update
        for seed in range(4):
            grads.copy_(gradients(seed))
            run()
        return params

    assert torch.equal(steps(capture=True), steps(capture=False))
