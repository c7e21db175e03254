"""Optimisers of ``torch.optim`` as rules."""

from collections.abc import Mapping
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from runner.optim.rules import State

PREFIX = "torch.optim."

NOT_THE_CONFIGS = ("self", "params", "foreach", "capturable", "differentiable", "fused", "maximize")
"""Arguments of an optimiser that are the program's."""


class Adopted:
    """An optimiser of ``torch.optim`` over the whole parameter buffer.

    It looks at numbers (its count of steps, the learning rate), so a training step with it is not recorded,
    and models with it are trained one at a time. The optimiser is made anew for each step, around the state
    that it left.

    Args:
        optimizer: its class.
        arguments: for the class.

    Raises:
        ValueError: if the class will not take the arguments, or a buffer ``[P]`` with a dense gradient.
    """

    def __init__(self, *, optimizer: type[Optimizer], arguments: Mapping[str, Any]) -> None:
        self.optimizer, self.arguments = optimizer, dict(arguments)
        try:
            self.lr = float(self.arguments.get("lr", signature(optimizer).parameters["lr"].default))
            probe = torch.zeros(2)
            self.step(probe, torch.ones(2), {}, self.lr)
        except Exception as error:  # torch's optimisers raise all kinds
            first_line = str(error).partition("\n")[0]
            raise ValueError(
                f"type: {PREFIX}{optimizer.__name__} refuses its arguments ({first_line})"
            ) from error

    def init(self, params: Tensor) -> State:
        """Nothing: the first step makes what the optimiser carries."""
        return {}

    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        leaf = params.detach()
        leaf.grad = grads
        optimizer = self.optimizer([leaf], **(self.arguments | {"lr": float(lr)}))
        optimizer.state[leaf] = state
        optimizer.step()


def find_optimizer(name: str) -> type[Optimizer] | None:
    """The class called ``torch.optim.<name>``, if it needs no closure, and nothing else that is there."""
    found = getattr(torch.optim, name, None)
    if not isinstance(found, type) or not issubclass(found, Optimizer) or found is Optimizer:
        return None
    takes_gradients = signature(found.step).parameters["closure"].default is None
    return found if takes_gradients and found.__module__.startswith("torch.optim.") else None


def optimizer_names() -> list[str]:
    """All that ``find_optimizer`` finds."""
    return [name for name in dir(torch.optim) if find_optimizer(name)]


def arguments_of(optimizer: type[Optimizer]) -> dict[str, bool]:
    """What a config may say of an optimiser, and whether it has to."""
    return {
        p.name: p.default is Parameter.empty
        for p in signature(optimizer.__init__).parameters.values()
        if p.name not in NOT_THE_CONFIGS
    }
