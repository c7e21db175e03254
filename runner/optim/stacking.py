"""Several rules of one kind as one: for K stacked models, or for groups of parameters."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from runner.optim.adopted import PREFIX, Adopted
from runner.optim.rules import Rule

Join = Callable[[Sequence[float]], Tensor]
"""Makes one tensor of a hyperparameter's values."""


def stack_rules(rules: Sequence[Rule], device: torch.device) -> Rule:
    """The rule of which each field that differs is a column ``[K, 1]``, to be used on ``[K, P]``.

    ``lr`` stays the first one's: a step is told its learning rates. What is ``[P]`` becomes ``[K, P]``.

    Raises:
        TypeError: if the rule is no dataclass, or something else than a number differs.
    """

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=device).unsqueeze(1)

    return join_rules(rules[0], rules, column)


def join_rules(first: Rule, rules: Sequence[Rule], join: Join) -> Rule:
    """``first``, but each field that differs among the rules, save ``lr``, is what ``join`` makes of it.

    Raises:
        TypeError: if the rule is no dataclass, or something else than a number differs.
    """
    if isinstance(first, Adopted):
        raise TypeError(f"{PREFIX}{first.optimizer.__name__} trains one model at a time")
    if not is_dataclass(first):
        raise TypeError(f"{type(first).__name__} is no dataclass")
    joined = {
        field.name: joined_values(field.name, [getattr(rule, field.name) for rule in rules], join)
        for field in fields(first)
        if field.name != "lr"
    }
    return replace(first, **joined)


def joined_values(name: str, values: Sequence[Any], join: Join) -> Any:
    """One value for several: of a number, of each number of a tuple, of the rule that another one holds."""
    first = values[0]
    if name == "rule":
        return join_rules(first, values, join)
    if isinstance(first, tuple):
        return tuple(joined_values(name, each, join) for each in zip(*values, strict=True))
    vector = next((value for value in values if isinstance(value, Tensor)), None)
    if vector is not None:
        vectors = [value if isinstance(value, Tensor) else torch.full_like(vector, value) for value in values]
        same = all(torch.equal(vector, value) for value in vectors)
        return vector if same else torch.stack(vectors)
    if all(value == first for value in values):
        return first
    if not all(isinstance(value, float) for value in values):
        raise TypeError(f"{name} differs")
    return join(values)


def is_number(value: object) -> bool:
    """Whether a hyperparameter may differ between rules that are joined."""
    return isinstance(value, float) or (isinstance(value, tuple) and all(map(is_number, value)))
