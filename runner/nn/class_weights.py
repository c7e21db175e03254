"""What each class, or each value, counts in a loss."""

from functools import cache
from typing import Literal

import torch
from torch import Tensor

from runner.types import NonNegative

Weights = tuple[NonNegative, ...]
"""A number a class, or a value."""

ClassWeights = Weights | Literal["balanced"]
"""``balanced`` is how rare each class is in the training data: see ``losses.balanced``."""

NONE_IGNORED = -100
"""Torch's word for it: targets are 0, 1, …"""


def counts(target: Tensor, weight: ClassWeights | None, ignore_index: int | None) -> Tensor:
    """How much each target counts, float32: the weight of its class, nothing if that is to be ignored."""
    counted = (target != ignored_by(ignore_index)).float()
    weights = on_device_of(counted, weight)
    return counted if weights is None else counted * weights.gather(0, target.flatten()).view_as(target)


def ignored_by(ignore_index: int | None) -> int:
    """The class that is to be ignored, or a number that is none."""
    return NONE_IGNORED if ignore_index is None else ignore_index


def at_least_something(mass: Tensor) -> Tensor:
    """A divisor: of a batch whose targets all count nothing, which torch makes NaN of, the mean is 0."""
    return mass.clamp_min(torch.finfo(mass.dtype).tiny)


def on_device_of(like: Tensor, values: ClassWeights | None) -> Tensor | None:
    """Weights as a tensor ``[C]``, of a prediction's type and on its device; None stays None."""
    assert values != "balanced", "of which data, balanced() says"
    return None if values is None else constant(values, like.dtype, like.device)


@cache
def constant(values: Weights, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Numbers as a tensor that is made once: a CUDA graph can't fetch them from outside."""
    with torch.inference_mode(False):  # else gradients could not be computed with it later
        return torch.tensor(values, dtype=dtype, device=device)
