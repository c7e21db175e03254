"""What an update rule is, and how its formulas take hyperparameters that are numbers or tensors.

A rule sees the whole parameter buffer and the whole gradient buffer, whatever the number of layers. Being
elementwise, the same lines serve one model ``[P]`` and K stacked ones ``[K, P]`` with hyperparameters of
``[K, 1]``; where parameters differ in a hyperparameter, it is ``[P]`` or ``[K, P]``.
"""

from typing import Protocol

import torch
from torch import Tensor

State = dict[str, Tensor]
"""What a rule carries from one step to the next, by name: of the parameters' shape, of one that begins with
K for K stacked models, or without dimensions where it is the same for all of them."""


class Rule(Protocol):
    """One way to change parameters by their gradients.

    A training step is recorded once and repeated, so what changes from step to step is in tensors: in the
    state, and in ``lr``.
    """

    @property
    def lr(self) -> float:
        """The learning rate before any schedule."""

    def init(self, params: Tensor) -> State:
        """The state before the first step."""

    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """Update ``params`` and ``state`` in place, ``lr`` being the schedule's word for this step.

        ``grads`` is the rule's to write over.
        """


def as_factor(value: float | Tensor, params: Tensor) -> Tensor:
    """A hyperparameter as a tensor that the parameters can be multiplied with.

    ``as_factor(1.0, params) - x`` is ``1 - x`` by an operator that writes where it is told, so that a replay
    takes a third of the time.
    """
    if isinstance(value, Tensor):
        return value.to(params.dtype) if value.dim() else value
    return torch.full((), value, dtype=torch.float64, device=params.device)


def as_weight(value: float | Tensor, params: Tensor) -> float | Tensor:
    """A hyperparameter as ``mul`` and ``lerp`` take it: a number stays one."""
    return value.to(params.dtype) if isinstance(value, Tensor) else value


def is_zero(value: float | Tensor) -> bool:
    """Whether a hyperparameter is 0 for all, so that its part of a formula can be left out."""
    return not isinstance(value, Tensor) and value == 0


def count(params: Tensor) -> Tensor:
    """A count of steps, the same for all models of a stack: 0, without dimensions."""
    return torch.zeros((), dtype=torch.float64, device=params.device)


def decayed(grads: Tensor, params: Tensor, weight_decay: float | Tensor) -> Tensor:
    """``g + weight_decay p``: the gradient with that of ``weight_decay / 2 |p|^2``, as torch's SGD has it."""
    if is_zero(weight_decay):
        return grads
    return torch.addcmul(grads, params, as_factor(weight_decay, params))
