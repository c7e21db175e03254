"""Losses: a prediction and its target in, the mean error out."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.types import Task


class Loss(Protocol):
    """A mean over the batch."""

    tasks: ClassVar[tuple[Task, ...]]
    """What targets it takes: ``classification``: class indices ``[N]``; ``regression``: values ``[N, D]``."""

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean loss of a batch, a scalar with gradient."""


@dataclass(frozen=True, kw_only=True)
class MSE:
    """Mean squared error, the mean of (target - prediction)^2 over every value; both ``[N, D]``."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        return F.mse_loss(prediction, target)


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """Mean negative log-likelihood of the softmax: logits ``[N, C]`` against class indices ``[N]``.

    Logits of sequences are ``[N, T, C]``, their classes ``[N, T]``.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch."""
        if prediction.dim() > 2:
            prediction, target = prediction.flatten(0, -2), target.flatten()
        return F.cross_entropy(prediction, target)
