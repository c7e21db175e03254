"""Gradients made smaller before a rule sees them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from runner.optim.rules import Rule, State
from runner.optim.rules.rule import as_factor, as_weight


@dataclass(frozen=True)
class Clipped:
    """A rule that gets gradients of limited size; first each value is limited, then their norm.

    ``clip_value`` is that of ``torch.nn.utils.clip_grad_value_``, ``clip_norm`` that of ``clip_grad_norm_``:
    the 2-norm of a model's whole gradient, of each model's own in a stack.

    Attributes:
        rule: the rule.
        clip_norm: the largest norm; None is no limit.
        clip_value: the largest magnitude of a value; None is no limit.
    """

    rule: Rule
    clip_norm: float | None
    clip_value: float | None

    @property
    def lr(self) -> float:
        """The rule's."""
        return self.rule.lr

    def init(self, params: Tensor) -> State:
        """The rule's."""
        return self.rule.init(params)

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """Clip ``grads`` in place, then one update."""
        if self.clip_value is not None:
            limit = as_factor(self.clip_value, params)
            grads.clamp_(-limit, limit)
        if self.clip_norm is not None:
            norm = torch.linalg.vector_norm(grads, dim=-1, keepdim=True)
            grads.mul_((as_weight(self.clip_norm, params) / (norm + 1e-6)).clamp_max_(1))
        self.rule.step(params, grads, state, lr)
