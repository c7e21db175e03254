"""Losses, update rules and layers that count in Python train as a loop in plain numpy does."""

import random
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from runner.build import build_model
from runner.data.dataset import Dataset, Split
from runner.nn.losses import MSE, Loss
from runner.nn.store import ParameterStore, Scope
from runner.optim.rules import SGD, Rule, State
from runner.optim.schedules import Constant, Moment
from runner.registry import LAYERS
from runner.training.loop import Training
from runner.training.stack import Member, Stack
from runner.types import Shape, Task

ROWS, BATCH, EPOCHS, LR = 20, 8, 3, 0.05
X = torch.linspace(-1, 1, ROWS).unsqueeze(1)
DATA = Dataset(Split(X, 3 * X), Split(X, 3 * X))


@dataclass(frozen=True, kw_only=True)
class Slower:
    """The t-th step divides the rate by t, which it counts in the state."""

    lr: float

    def init(self, params: Tensor) -> State:
        return {}

    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        state["t"] = state.get("t", 0) + 1  # type: ignore[assignment]  # no tensor, as beginners have it
        params.sub_(lr * grads / state["t"])


class Annealed:
    """Weighs the t-th batch with t."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __init__(self) -> None:
        self.t = 0

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.t += torch.is_grad_enabled()
        return (prediction - target).square().mean() * self.t


class Noisy:
    """Multiplies by a number that Python draws."""

    def __init__(self, scope: Scope, in_shape: Shape) -> None:
        self.out_shape = in_shape

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        return x * random.random() if store.training else x


class Halving:
    """Halves the rate each time it is asked."""

    per_step: ClassVar = True

    def __init__(self) -> None:
        self.asked = 0

    def factor(self, moment: Moment) -> float:
        self.asked += 1
        return float(0.5**self.asked)


def training_of(
    loss: Loss, rule: Rule, *, noisy: bool = False, schedule: Constant | Halving | None = None
) -> Training:
    store = ParameterStore()
    layers = {"n": Noisy} if noisy else {}
    model = build_model({**layers, "l": partial(LAYERS["linear"], out_features=1)}, (1,), store)
    store.seal(torch.Generator().manual_seed(0))
    store.params.zero_()
    return Training(
        model,
        store,
        loss,
        rule,
        schedule or Constant(),
        DATA,
        epochs=EPOCHS,
        batch_size=BATCH,
        generator=None,
    )


def by_numpy(scale: str, factors: list[float] | None = None) -> np.ndarray:
    """W and b after all epochs; step t has its gradient multiplied with t, or divided by it."""
    w, b, t = 0.0, 0.0, 0
    x, y = X.double().numpy()[:, 0], 3 * X.double().numpy()[:, 0]
    for _ in range(EPOCHS):
        for first in range(0, ROWS, BATCH):
            batch, target = x[first : first + BATCH], y[first : first + BATCH]
            by = 1.0 if factors is None else factors[t]
            t += 1
            error = w * batch * by + b - target
            rate = LR * {"times": t, "divided": 1 / t, "halved": 0.5**t, "drawn": 1.0}[scale]
            w, b = w - rate * (2 * error * batch * by).mean(), b - rate * (2 * error).mean()
    return np.array([w, b])


def learnt(training: Training) -> np.ndarray:
    list(training)
    return training._store.params.double().numpy()


def test_a_rule_may_count_its_steps_in_its_state() -> None:
    np.testing.assert_allclose(learnt(training_of(MSE(), Slower(lr=LR))), by_numpy("divided"), rtol=1e-5)


def test_a_loss_may_count_batches() -> None:
    np.testing.assert_allclose(learnt(training_of(Annealed(), SGD(lr=LR))), by_numpy("times"), rtol=1e-5)


def test_a_schedule_is_asked_once_a_step() -> None:
    mine = learnt(training_of(MSE(), SGD(lr=LR), schedule=Halving()))
    np.testing.assert_allclose(mine, by_numpy("halved"), rtol=1e-5)


def test_a_layer_may_draw_in_python_and_the_seed_says_what() -> None:
    seen = []
    draw = random.random

    def noted() -> float:
        seen.append(draw())
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "random", noted)
        first = learnt(training_of(MSE(), SGD(lr=LR), noisy=True))
    assert len(set(seen)) == EPOCHS * 3
    np.testing.assert_allclose(first, by_numpy("drawn", seen), rtol=1e-4)
    np.testing.assert_array_equal(first, learnt(training_of(MSE(), SGD(lr=LR), noisy=True)))


def test_models_whose_parts_count_are_not_stacked() -> None:
    trainings = [training_of(MSE(), Slower(lr=LR)) for _ in range(2)]
    members = [Member(each._store, Slower(lr=LR), Constant(), None) for each in trainings]
    stack = Stack(trainings[0]._model, members, Annealed(), DATA, epochs=2, batch_size=BATCH)
    with pytest.raises(TypeError, match=r"state in Python would be shared: (loss\.t|optim\.state)"):
        stack.epoch()
