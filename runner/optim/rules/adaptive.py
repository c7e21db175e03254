"""Gradients divided by how large they have been."""

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.optim.rules.rule import State, as_factor, as_weight, count, decayed, is_zero
from runner.types import Fraction, NonNegative


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """Gradients over their size: ``s = alpha s + (1 - alpha) g^2; p -= lr g / (sqrt(s) + eps)``, s from 0.

    Hinton, lecture 6e of "Neural Networks for Machine Learning" (2012), in the form of torch's ``RMSprop``:
    ``centered`` takes the running mean's square from ``s`` (Graves, 2013), ``momentum`` adds the steps up.
    """

    lr: NonNegative
    alpha: Fraction = 0.99
    eps: NonNegative = 1e-8
    momentum: Fraction = 0.0
    centered: bool = False
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """Zeros: the mean square, and what the options carry."""
        names = ["square_avg", *["grad_avg"] * self.centered, *["velocity"] * (not is_zero(self.momentum))]
        return {name: torch.zeros_like(params) for name in names}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        gradient = decayed(grads, params, self.weight_decay)
        weight = as_weight(1 - self.alpha, params)
        square = state["square_avg"].lerp_(gradient.square(), weight)
        if self.centered:
            mean = state["grad_avg"].lerp_(gradient, weight)
            variance = torch.addcmul(square, mean, mean, value=-1)
            size = variance.clamp_min_(0).sqrt_()  # rounding may leave it below 0
        else:
            size = square.sqrt()
        size.add_(as_weight(self.eps, params))
        if is_zero(self.momentum):
            params.addcdiv_(gradient, size.div_(as_factor(lr, params)), value=-1)
        else:
            velocity = state["velocity"]
            velocity.mul_(as_weight(self.momentum, params)).addcdiv_(gradient, size)
            params.addcmul_(velocity, as_factor(lr, params), value=-1)


@dataclass(frozen=True, kw_only=True)
class Adagrad:
    """Gradients over the size of all so far: ``s += g^2; p -= lr / (1 + t lr_decay) g / (sqrt(s) + eps)``.

    ``t`` is 0 in the first step. Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning
    and Stochastic Optimization" (2011), in the form of torch's ``Adagrad``.
    """

    lr: NonNegative
    lr_decay: NonNegative = 0.0
    initial_accumulator_value: NonNegative = 0.0
    eps: NonNegative = 1e-10
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """The sum of squares as it is told, and the steps done, if they matter."""
        start = as_factor(self.initial_accumulator_value, params)
        state = {"sum": torch.zeros_like(params).add_(start)}
        return state if is_zero(self.lr_decay) else state | {"step": count(params)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        gradient = decayed(grads, params, self.weight_decay)
        if not is_zero(self.lr_decay):
            lr = lr / (1 + state["step"] * self.lr_decay)
            state["step"].add_(1)
        size = state["sum"].addcmul_(gradient, gradient).sqrt().add_(as_weight(self.eps, params))
        params.addcdiv_(gradient, size.div_(as_factor(lr, params)), value=-1)
