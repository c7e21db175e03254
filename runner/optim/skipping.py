"""Updates that would do harm left out."""

import torch
from torch import Tensor

from runner.optim.rules import Rule, State


class Skipping:
    """A rule whose step is left out, state and all, where the gradient has a value that is no finite number.

    It looks at one model by itself, so it is no dataclass that could be stacked.

    Args:
        rule: the rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    @property
    def lr(self) -> float:
        """The rule's."""
        return self.rule.lr

    def init(self, params: Tensor) -> State:
        """The rule's."""
        return self.rule.init(params)

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place, or none."""
        is_finite = grads.isfinite().all()
        before = {name: value.clone() for name, value in state.items()}
        params_before = params.clone()
        self.rule.step(params, grads, state, lr)
        params.copy_(torch.where(is_finite, params, params_before))
        for name, value in before.items():
            state[name].copy_(torch.where(is_finite, state[name], value))
