"""Update rules: hyperparameters, the tensors they carry from step to step, and one elementwise update.

A rule sees the whole parameter buffer and the whole gradient buffer, whatever the number of layers. Being
elementwise, the same lines serve one model ``[P]`` and K stacked ones ``[K, P]`` with ``lr`` of ``[K, 1]``.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from runner.types import Fraction, NonNegative

State = dict[str, Tensor]
"""What a rule carries from one step to the next, by name; each of the parameters' shape."""


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
        """Update ``params`` and ``state`` in place, ``lr`` being the schedule's word for this step."""


def as_factor(value: float | Tensor, params: Tensor) -> Tensor:
    """A hyperparameter as a tensor: one number for all parameters, or ``[K, 1]`` for K stacked models."""
    return (
        value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64, device=params.device)
    )


def decayed(grads: Tensor, params: Tensor, weight_decay: float | Tensor) -> Tensor:
    """``g + weight_decay p``: the gradient with that of ``weight_decay / 2 |p|^2``, as torch's SGD has it.

    ``weight_decay`` of K stacked models is ``[K, 1]``.
    """
    if not isinstance(weight_decay, Tensor) and weight_decay == 0:
        return grads
    return torch.addcmul(grads, params, as_factor(weight_decay, params))


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
    Its near twin, torch's ``SGD(momentum=…)``, adds the gradients up: ``v = beta v + g``.
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
        velocity.lerp_(decayed(grads, params, self.weight_decay), 1 - self.beta)
        params.addcmul_(velocity, as_factor(lr, params), value=-1)
