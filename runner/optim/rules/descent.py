"""Gradient descent, plain and with a velocity."""

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.optim.rules.rule import State, as_factor, as_weight, count, decayed, is_zero
from runner.types import Fraction, NonNegative


@dataclass(frozen=True, kw_only=True)
class SGD:
    """Gradient descent: ``p -= lr g`` (the article's ``apply_grads_sgd``), g with weight decay if wanted."""

    lr: NonNegative
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """Nothing is carried."""
        return {}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        params.addcmul_(decayed(grads, params, self.weight_decay), as_factor(lr, params), value=-1)


@dataclass(frozen=True, kw_only=True)
class Momentum:
    """Gradient descent along a running mean: ``v = beta v + (1 - beta) g; p -= lr v``, v from 0.

    The article's ``apply_grads_sgd_momentum`` with a velocity that lasts; optax calls this mean ``ema``.
    Its near twin ``HeavyBall`` adds the gradients up: ``v = momentum v + g``.
    """

    lr: NonNegative
    beta: Fraction = 0.9
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """The velocity, zero."""
        return {"velocity": torch.zeros_like(params)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        velocity = state["velocity"]
        velocity.lerp_(decayed(grads, params, self.weight_decay), as_weight(1 - self.beta, params))
        params.addcmul_(velocity, as_factor(lr, params), value=-1)


@dataclass(frozen=True, kw_only=True)
class HeavyBall:
    """Gradient descent with a velocity: ``v = momentum v + (1 - dampening) g; p -= lr v``, v from 0.

    Polyak, "Some methods of speeding up the convergence of iteration methods" (1964), in the form of torch's
    ``SGD``, which does not dampen the first gradient.
    """

    lr: NonNegative
    momentum: Fraction = 0.9
    dampening: Fraction = 0.0
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """The velocity, zero, and whether there has been a step, if that makes a difference."""
        state = {"velocity": torch.zeros_like(params)}
        return state if is_zero(self.dampening) else state | {"started": count(params)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        gradient = decayed(grads, params, self.weight_decay)
        if not is_zero(self.dampening):
            share = as_factor(1.0, params) - state["started"] * self.dampening
            gradient = gradient * as_factor(share, params)
            state["started"].fill_(1)
        velocity = state["velocity"]
        torch.addcmul(gradient, velocity, as_factor(self.momentum, params), out=velocity)
        params.addcmul_(velocity, as_factor(lr, params), value=-1)


@dataclass(frozen=True, kw_only=True)
class Nesterov:
    """Gradient descent that looks ahead: ``v = momentum v + g; p -= lr (g + momentum v)``, v from 0.

    Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013), in the form
    of torch's ``SGD(nesterov=True)``.
    """

    lr: NonNegative
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """The velocity, zero."""
        return {"velocity": torch.zeros_like(params)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        gradient = decayed(grads, params, self.weight_decay)
        velocity, momentum = state["velocity"], as_factor(self.momentum, params)
        torch.addcmul(gradient, velocity, momentum, out=velocity)
        ahead = torch.addcmul(gradient, velocity, momentum)
        params.addcmul_(ahead, as_factor(lr, params), value=-1)
