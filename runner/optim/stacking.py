"""One rule for K stacked models, each with hyperparameters of its own."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace

import torch

from runner.optim.rules import Rule


def stack_rules(rules: Sequence[Rule], device: torch.device) -> Rule:
    """The rule of which each field that differs is a column ``[K, 1]``, to be used on ``[K, P]``.

    ``lr`` stays the first one's: a step is told its learning rates.

    Raises:
        TypeError: if the rule is no dataclass, or something else than a number differs.
    """
    first = rules[0]
    if not is_dataclass(first):
        raise TypeError(f"{type(first).__name__} is no dataclass")
    columns = {}
    for field in fields(first):
        values = [getattr(rule, field.name) for rule in rules]
        if field.name != "lr" and any(value != values[0] for value in values):
            columns[field.name] = torch.tensor(values, dtype=torch.float32, device=device).unsqueeze(1)
    return replace(first, **columns)
