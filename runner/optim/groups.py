"""Parameters that are told apart by their names, with hyperparameters of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from runner.optim.rules import Rule, State
from runner.optim.stacking import join_rules, joined_values


@dataclass(frozen=True)
class Group:
    """Some of the parameters.

    Attributes:
        match: a pattern of their names, as of files: ``*.b``, ``l1.*``.
        rule: what changes them, with all its hyperparameters; of the same kind as for the others.
    """

    match: str
    rule: Rule


@dataclass(frozen=True)
class Scaled:
    """A rule whose learning rate is another for some of the parameters.

    Attributes:
        rule: the rule.
        factor: of the rate ``[P]``; ``[K, P]`` for K stacked models that differ in it; 1 if there is none.
    """

    rule: Rule
    factor: float | Tensor

    @property
    def lr(self) -> float:
        """The rule's."""
        return self.rule.lr

    def init(self, params: Tensor) -> State:
        """The rule's."""
        return self.rule.init(params)

    @torch.no_grad()
    def step(self, params: Tensor, grads: Tensor, state: State, lr: float | Tensor) -> None:
        """One update, in place."""
        self.rule.step(params, grads, state, lr * self.factor)


def grouped(rule: Rule, groups: Sequence[Group], sizes: Mapping[str, int], like: Tensor) -> Scaled:
    """One rule for all parameters, of which each hyperparameter that differs among them is ``[P]``.

    Args:
        rule: for parameters that are in no group; its ``lr`` is what schedules change, that of a group keeps
            its proportion to it.
        groups: a parameter is in the first that matches.
        sizes: of all parameters, by name, in the order in which they lie in the buffer.
        like: a tensor of the buffer's type, on its device.

    Raises:
        ZeroDivisionError: if a group has an ``lr`` of its own, and that of ``rule`` is 0.
    """
    own = [rule_for(name, rule, groups) for name in sizes]
    repeats = torch.tensor(list(sizes.values()))

    def spread(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64).repeat_interleave(repeats).to(like)

    factors = [1.0 if each.lr == rule.lr else each.lr / rule.lr for each in own]
    return Scaled(join_rules(rule, own, spread), joined_values("lr", factors, spread))


def rule_for(name: str, rule: Rule, groups: Sequence[Group]) -> Rule:
    """The rule of the first group that a parameter is in, else ``rule``."""
    return next((group.rule for group in groups if fnmatchcase(name, group.match)), rule)
