"""Running means of gradients over running means of their squares."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.optim.rules.rule import State, as_factor, as_weight, count, decayed, is_zero
from runner.types import Fraction, NonNegative

Betas = tuple[Fraction, Fraction]
"""How much of the mean, and of the mean square, lasts from one step to the next."""


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam: ``m`` and ``v`` are running means of g and g^2; ``p -= lr m' / (sqrt(v') + eps)``.

    ``m' = m / (1 - beta1^t)`` and ``v' = v / (1 - beta2^t)`` make up for their start at 0. Kingma and Ba,
    "Adam: A Method for Stochastic Optimization" (2015); ``amsgrad`` takes the largest v so far (Reddi et al.,
    2018). As torch's ``Adam``: weight decay is part of g.
    """

    lr: NonNegative
    betas: Betas = (0.9, 0.999)
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.0
    amsgrad: bool = False

    def init(self, params: Tensor) -> State:
        """Both means, zero."""
        return moments(params, self.amsgrad)

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        if is_for_kernel(params, lr, *self.betas, self.eps, self.weight_decay):
            run_kernel(torch._fused_adam_, self, params, grads, state, lr)
            return
        adam_step(params, decayed(grads, params, self.weight_decay), state, lr, self.betas, self.eps)


@dataclass(frozen=True, kw_only=True)
class AdamW:
    """Adam that makes weights smaller by ``lr weight_decay p``, apart from their gradients.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019); as torch's ``AdamW``.
    """

    lr: NonNegative
    betas: Betas = (0.9, 0.999)
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.01
    amsgrad: bool = False

    def init(self, params: Tensor) -> State:
        """Both means, zero."""
        return moments(params, self.amsgrad)

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        if is_for_kernel(params, lr, *self.betas, self.eps, self.weight_decay):
            run_kernel(torch._fused_adamw_, self, params, grads, state, lr)
            return
        shrink(params, self.weight_decay, lr)
        adam_step(params, grads, state, lr, self.betas, self.eps)


@dataclass(frozen=True, kw_only=True)
class NAdam:
    """Adam that looks ahead as Nesterov's momentum does, with a momentum that grows.

    ``mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)`` weighs m and g in place of beta1. Dozat, "Incorporating
    Nesterov Momentum into Adam" (2016); as torch's ``NAdam``.
    """

    lr: NonNegative
    betas: Betas = (0.9, 0.999)
    eps: NonNegative = 1e-8
    momentum_decay: NonNegative = 4e-3
    weight_decay: NonNegative = 0.0
    decoupled_weight_decay: bool = False

    def init(self, params: Tensor) -> State:
        """Both means, zero, and the product of all mu, which is a tensor as those are."""
        mu = as_factor(self.betas[0] * self.momentum_decay, params)
        return moments(params, False) | {"mu_product": torch.ones_like(params[..., :1] * mu)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        beta1, beta2 = self.betas
        if self.decoupled_weight_decay:
            gradient = grads
            shrink(params, self.weight_decay, lr)
        else:
            gradient = decayed(grads, params, self.weight_decay)
        step, one = state["step"].add_(1), as_factor(1.0, params)
        decay = 0.96**self.momentum_decay
        decayed_half = decay**step * (beta1 / 2)
        mu, mu_next = as_factor(beta1, params) - decayed_half, as_factor(beta1, params) - decayed_half * decay
        product = state["mu_product"].mul_(as_weight(mu, params))
        mean = state["exp_avg"].lerp_(gradient, as_weight(1 - beta1, params))
        square = state["exp_avg_sq"].lerp_(gradient.square(), as_weight(1 - beta2, params))
        root = (one - beta2**step).sqrt()
        size = square.sqrt().div_(as_factor(root, params)).add_(as_weight(self.eps, params))
        direction = gradient * as_factor(lr * (one - mu) / (one - product), params)
        direction.addcmul_(mean, as_factor(lr * mu_next / (one - product * mu_next), params))
        params.addcdiv_(direction, size, value=-1)


def shrink(params: Tensor, weight_decay: float, lr: float | Tensor) -> None:
    """Make weights smaller, whatever their gradients are."""
    if not is_zero(weight_decay):
        params.addcmul_(params, as_factor(lr * weight_decay, params), value=-1)


def moments(params: Tensor, amsgrad: bool) -> State:
    """What Adam carries: the count of steps, both means, and the largest mean square if ``amsgrad``."""
    names = ["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * amsgrad]
    return {"step": count(params)} | {name: torch.zeros_like(params) for name in names}


def is_for_kernel(params: Tensor, *numbers: float | Tensor) -> bool:
    """Whether torch's own kernel of a whole step will do: on a CPU it takes a third of the operators' time.

    It knows one value of each hyperparameter, so not those of a stack or of groups.
    """
    return params.is_cpu and not any(isinstance(each, Tensor) and each.dim() > 0 for each in numbers)


def run_kernel(
    kernel: Callable[..., None],
    rule: Adam | AdamW,
    params: Tensor,
    grads: Tensor,
    state: State,
    lr: float | Tensor,
) -> None:
    """A step by the kernel that torch's ``Adam(fused=True)`` and ``AdamW(fused=True)`` call."""
    beta1, beta2 = rule.betas
    kernel(
        [params],
        [grads],
        [state["exp_avg"]],
        [state["exp_avg_sq"]],
        [state["max_exp_avg_sq"]] if rule.amsgrad else [],
        [state["step"].add_(1)],
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        weight_decay=rule.weight_decay,
        eps=rule.eps,
        amsgrad=rule.amsgrad,
        maximize=False,
    )


def adam_step(
    params: Tensor, gradient: Tensor, state: State, lr: float | Tensor, betas: Betas, eps: float
) -> None:
    """``m`` and ``v`` by the gradient, and parameters by those.

    With ``r = sqrt(1 - beta2^t)`` the formula is ``p -= m / ((sqrt(v) + eps r) / (lr r / (1 - beta1^t)))``,
    which makes two large tensors, for ``g^2`` and the divisor.
    """
    beta1, beta2 = betas
    step, one = state["step"].add_(1), as_factor(1.0, params)
    mean = state["exp_avg"].lerp_(gradient, as_weight(1 - beta1, params))
    square = state["exp_avg_sq"].lerp_(gradient.square(), as_weight(1 - beta2, params))
    if "max_exp_avg_sq" in state:
        largest = state["max_exp_avg_sq"]
        square = torch.maximum(largest, square, out=largest)
    root = (one - beta2**step).sqrt()
    size = square.sqrt().add_(as_factor(eps * root, params))
    size.div_(as_factor(lr * root / (one - beta1**step), params))
    params.addcdiv_(mean, size, value=-1)
