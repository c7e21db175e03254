"""Steps of one length, whatever the gradient's."""

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.optim.rules.rule import State, as_factor, as_weight, is_zero
from runner.types import Fraction, NonNegative


@dataclass(frozen=True, kw_only=True)
class Lion:
    """Lion: ``p -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay p); m = beta2 m + (1 - beta2) g``.

    ``m`` is 0 at first. Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023).
    """

    lr: NonNegative
    betas: tuple[Fraction, Fraction] = (0.9, 0.99)
    weight_decay: NonNegative = 0.0

    def init(self, params: Tensor) -> State:
        """The mean, zero."""
        return {"exp_avg": torch.zeros_like(params)}

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        beta1, beta2 = self.betas
        mean = state["exp_avg"]
        direction = torch.lerp(mean, grads, as_weight(1 - beta1, params)).sign_()
        if not is_zero(self.weight_decay):
            params.addcmul_(params, as_factor(lr * self.weight_decay, params), value=-1)
        params.addcmul_(direction, as_factor(lr, params), value=-1)
        mean.lerp_(grads, as_weight(1 - beta2, params))
