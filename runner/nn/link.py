"""The link between a model's outputs and its predictions, which the loss that it is trained with decides.

A loss such as ``cross_entropy`` takes logits, not probabilities. Whatever is computed or shown of predictions
(metrics, files, a served model, pictures) goes through a ``Link``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.types import Task

LinkName = Literal["identity", "sigmoid", "exp", "softmax"]
"""The function that makes predictions of outputs."""


def identity(outputs: Tensor) -> Tensor:
    """The outputs."""
    return outputs


def softmax(outputs: Tensor) -> Tensor:
    """Over the last dimension."""
    return outputs.softmax(-1)


def log_sigmoid(outputs: Tensor) -> Tensor:
    """In float64: in float32 it is 0 from about 104 on, and the largest of several outputs is lost."""
    return F.logsigmoid(outputs.double())


VALUES: Mapping[LinkName, Callable[[Tensor], Tensor]] = {
    "identity": identity,
    "sigmoid": torch.sigmoid,
    "exp": torch.exp,
    "softmax": softmax,
}
"""Predicted values."""

SCORES: Mapping[LinkName, Callable[[Tensor], Tensor]] = {
    "identity": torch.log,
    "sigmoid": log_sigmoid,
    "exp": identity,
    "softmax": identity,
}
"""Logarithms of what is proportional to the probabilities of classes."""


@dataclass(frozen=True)
class Link:
    """Outputs ``[…, D]`` to predictions ``[…, D]``.

    Of classes the predictions are probabilities that add up to 1: with ``sigmoid``, one class against the
    rest, divided by their sum (as scikit-learn's ``OneVsRestClassifier`` does); with ``exp`` and ``identity``
    likewise. No link changes which class has the largest output.

    Attributes:
        name: the function.
        task: what the targets are.
    """

    name: LinkName
    task: Task

    def predictions(self, outputs: Tensor) -> Tensor:
        """Probabilities of classes or labels, or values of the targets' kind; float32."""
        if self.task == "classification":
            return self.scores(outputs).softmax(-1).float()
        return VALUES[self.name](outputs)

    def scores(self, outputs: Tensor) -> Tensor:
        """Scores of classes, whose softmax are the probabilities."""
        return SCORES[self.name](outputs)

    def measured(self, outputs: Tensor) -> Tensor:
        """The form that metrics take: scores of classes, else predictions."""
        return self.scores(outputs) if self.task == "classification" else self.predictions(outputs)


def link_of(loss: object, task: Task) -> Link:
    """The link of a loss: the one that it names, else ``softmax`` for classes and ``identity`` for values."""
    return Link(getattr(loss, "link", None) or default(task), task)


def default(task: Task) -> LinkName:
    """The link of a loss that names none, and of models that were saved without one."""
    return "softmax" if task == "classification" else "identity"
