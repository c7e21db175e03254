"""Losses: a prediction and its target in, the mean error out."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol, TypeGuard

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.class_weights import (
    ClassWeights,
    Weights,
    at_least_something,
    counts,
    ignored_by,
    on_device_of,
)
from runner.nn.link import LinkName
from runner.types import NonNegative, NonNegativeInt, Positive, Probability, Task


class Loss(Protocol):
    """A mean over the batch."""

    tasks: ClassVar[tuple[Task, ...]]
    """What targets it takes: ``classification``: class indices ``[N]``; ``regression``: values ``[N, D]``;
    ``multilabel``: labels of 0 and 1 ``[N, D]``.

    Where each place of a sequence has a class, predictions are ``[N, T, C]`` and targets ``[N, T]``.

    A loss may have a ``link``, the name of the function that makes predictions of a model's outputs: see
    ``runner.nn.link``. Where its ``takes_log_probabilities`` is true, a line is logged if outputs are none.
    """

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean loss of a batch, a scalar with gradient."""


@dataclass(frozen=True, kw_only=True)
class CrossEntropy:
    """Mean negative log-likelihood of the softmax: logits ``[N, C]`` against class indices ``[N]``.

    Args:
        weight: how much each class counts. As in torch, a batch's mean is divided by the weights of its
            targets, not by their number.
        label_smoothing: the share of each target's probability that is spread over all classes evenly
            (C. Szegedy et al., Rethinking the Inception Architecture, 2016).
        ignore_index: a class whose targets count nothing here, such as one for what is unknown; metrics
            count them like others.
    """

    weight: ClassWeights | None = None
    ignore_index: NonNegativeInt | None = None
    label_smoothing: Probability = 0.0

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its places."""
        prediction, target = flat(prediction, target)
        smoothing = self.label_smoothing
        if not weighs(self):
            return F.cross_entropy(prediction, target, label_smoothing=smoothing)
        weight, ignored = on_device_of(prediction, self.weight), ignored_by(self.ignore_index)
        if weight is None or not smoothing:
            total = F.cross_entropy(
                prediction, target, weight, ignore_index=ignored, reduction="sum", label_smoothing=smoothing
            )
        else:  # torch's function looks at values then, for which vmap has no rule
            logs = prediction.log_softmax(-1)
            own = F.nll_loss(logs, target, weight, ignore_index=ignored, reduction="sum")
            spread = -(logs @ weight * (target != ignored)).sum() / logs.shape[-1]
            total = (1 - smoothing) * own + smoothing * spread
        return total / at_least_something(counts(target, self.weight, self.ignore_index).sum())


@dataclass(frozen=True, kw_only=True)
class NLL:
    """Mean negative log-likelihood: log-probabilities ``[N, C]`` against class indices ``[N]``.

    The model has to end with ``log_softmax``, or the loss has no minimum.

    Args:
        weight: how much each class counts, as in ``cross_entropy``.
        ignore_index: a class whose targets count nothing, as there.
    """

    weight: ClassWeights | None = None
    ignore_index: NonNegativeInt | None = None

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    link: ClassVar[LinkName] = "exp"
    takes_log_probabilities: ClassVar[bool] = True

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its places."""
        prediction, target = flat(prediction, target)
        if not weighs(self):
            return F.nll_loss(prediction, target)
        weight, ignored = on_device_of(prediction, self.weight), ignored_by(self.ignore_index)
        total = F.nll_loss(prediction, target, weight, ignore_index=ignored, reduction="sum")
        return total / at_least_something(counts(target, self.weight, self.ignore_index).sum())


@dataclass(frozen=True, kw_only=True)
class BCEWithLogits:
    """Mean binary cross-entropy of the sigmoid: logits ``[N, D]`` against values ``[N, D]`` in [0, 1].

    Class indices ``[N]`` are taken one against the rest: 1 for the class, 0 for all others. Predictions are
    the sigmoids, of classes divided by their sum. Targets of 0 and 1 alone are labels, several a sample.

    Args:
        weight: how much each of the D counts. As in torch, the mean is still over their number.
        pos_weight: how much a target of 1 counts, for each of the D.
    """

    weight: Weights | None = None
    pos_weight: Weights | None = None

    tasks: ClassVar[tuple[Task, ...]] = ("classification", "regression", "multilabel")
    link: ClassVar[LinkName] = "sigmoid"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        if not target.is_floating_point():
            target = torch.zeros_like(prediction).scatter(-1, target.unsqueeze(-1), 1.0)
        weight, pos_weight = (on_device_of(prediction, each) for each in (self.weight, self.pos_weight))
        return F.binary_cross_entropy_with_logits(prediction, target, weight, pos_weight=pos_weight)


@dataclass(frozen=True, kw_only=True)
class Hinge:
    """Mean multi-class margin loss: scores ``[N, C]`` against class indices ``[N]``.

    Of a sample of class y it is ``w_y sum(max(0, margin - x_y + x_j)^p) / C`` over all other classes j, as
    in torch's ``multi_margin_loss``, for which vmap has no rule.

    It learns scores whose order counts, not probabilities: where such are asked for, they are the softmax of
    the scores, the larger the surer, but no frequencies.

    Args:
        p: 1, or 2 for squares.
        margin: by how much the class's score is to be above each other's.
        weight: how much each class counts.
    """

    p: Literal[1, 2] = 1
    margin: float = 1.0
    weight: ClassWeights | None = None

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its places."""
        prediction, target = flat(prediction, target)
        own = prediction.gather(-1, target.unsqueeze(-1))
        violations = F.relu(self.margin - own + prediction).scatter(-1, target.unsqueeze(-1), 0.0)
        losses = (violations if self.p == 1 else violations.square()).mean(-1)
        weight = on_device_of(prediction, self.weight)
        return losses.mean() if weight is None else (losses * weight.gather(0, target)).mean()


@dataclass(frozen=True, kw_only=True)
class MSE:
    """Mean squared error, the mean of (target - prediction)^2 over every value; both ``[N, D]``."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        return F.mse_loss(prediction, target)


@dataclass(frozen=True, kw_only=True)
class L1:
    """Mean absolute error, the mean of |target - prediction| over every value; both ``[N, D]``."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        return F.l1_loss(prediction, target)


@dataclass(frozen=True, kw_only=True)
class Huber:
    """Half the squared error where it is below delta, else ``delta (|error| - delta / 2)``; both ``[N, D]``.

    Args:
        delta: where the square ends (P. Huber, Robust Estimation of a Location Parameter, 1964).
    """

    delta: Positive = 1.0

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        return F.huber_loss(prediction, target, delta=self.delta)


@dataclass(frozen=True, kw_only=True)
class SmoothL1:
    """``error^2 / (2 beta)`` where |error| is below beta, else ``|error| - beta / 2``; both ``[N, D]``.

    It is the Huber loss divided by its delta (R. Girshick, Fast R-CNN, 2015).

    Args:
        beta: where the square ends; with 0 it is the absolute error.
    """

    beta: NonNegative = 1.0

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch and its values."""
        return F.smooth_l1_loss(prediction, target, beta=self.beta)


@dataclass(frozen=True, kw_only=True)
class KLDiv:
    """Kullback-Leibler divergence: log-probabilities ``[N, D]`` against distributions ``[N, D]``.

    Of a sample it is ``sum(target (log(target) - prediction))``, and the mean is that over samples (torch's
    ``reduction="batchmean"``). The model has to end with ``log_softmax``. Predictions are distributions, or
    with ``log_target`` their logarithms.

    Args:
        log_target: whether the targets are log-probabilities, too.
    """

    log_target: bool = False

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    takes_log_probabilities: ClassVar[bool] = True

    @property
    def link(self) -> LinkName:
        """Predictions are what targets are."""
        return "identity" if self.log_target else "exp"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch."""
        # the formula of torch's kl_div, for which vmap has no rule
        if self.log_target:
            return (target.exp() * (target - prediction)).sum(-1).mean()
        return (torch.xlogy(target, target) - target * prediction).sum(-1).mean()


@dataclass(frozen=True, kw_only=True)
class CosineDistance:
    """One minus the cosine of the angle between prediction and target, both ``[N, D]``.

    Only directions are learnt: how long a prediction is, and with it its RMSE, is left to chance.
    """

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The mean over the batch."""
        return 1 - F.cosine_similarity(prediction, target, dim=-1).mean()


def flat(prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Scores ``[…, C]`` and class indices ``[…]`` as ``[N, C]`` and ``[N]``."""
    return (prediction.flatten(0, -2), target.flatten()) if prediction.dim() > 2 else (prediction, target)


def mass(loss: Loss, target: Tensor, members: int = 0) -> Tensor | int:
    """What the loss divides by to get a batch's mean: its samples, or their classes' weights, added up.

    Means of several batches, each times its mass, over the sum of these, are the mean of all samples.

    Args:
        loss: class weights are numbers by now.
        target: ``[N, …]``, or ``[K, N, …]``.
        members: how many dimensions come before N.

    Returns:
        The number of samples, or where targets count differently a scalar or ``[K]``.
    """
    if not weighs(loss):
        return target.shape[members]
    return counts(target, loss.weight, loss.ignore_index).flatten(members).sum(-1)


def weighs(loss: Loss) -> TypeGuard[CrossEntropy | NLL]:
    """Whether a batch's mean is not over the number of its samples, but over what its targets count."""
    return isinstance(loss, CrossEntropy | NLL) and (loss.weight, loss.ignore_index) != (None, None)


def balanced(loss: Loss, targets: Tensor, classes: int) -> Loss:
    """The loss, its class weights by the targets ``[N]`` of the training data if they shall be ``balanced``.

    A class of n samples weighs ``N / (C n)``, 0 if it has none: all classes count the same together (G. King
    and L. Zeng, Logistic Regression in Rare Events Data, 2001).
    """
    if not isinstance(loss, CrossEntropy | NLL | Hinge) or loss.weight != "balanced":
        return loss
    counts = targets.flatten().to(torch.int64).bincount(minlength=classes).tolist()
    weight = tuple(targets.numel() / (classes * count) if count else 0.0 for count in counts)
    return replace(loss, weight=weight)
