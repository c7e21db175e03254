"""How good predictions are, beside the loss: figures of a whole split, which no sum over batches gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.objective import smaller_is_better
from runner.types import PositiveInt, Task

Average = Literal["macro", "weighted"]
"""The mean over the classes, each counting the same or by its samples."""


class Metric(Protocol):
    """A figure of a split's predictions."""

    tasks: ClassVar[tuple[Task, ...]]
    """``classification``: scores ``[N, C]``, whose softmax are the probabilities, and class indices ``[N]``;
    ``regression``: values ``[N, D]``; ``multilabel``: probabilities ``[N, D]`` and labels, 0.0 or 1.0.
    """

    @property
    def name(self) -> str:
        """What it is called after ``test/``; by its name ``objective`` knows which way it gets better."""

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The figure, a scalar; NaN where it is not defined. ``ConfusionMatrix`` alone gives a table."""


@dataclass(frozen=True)
class Counts:
    """Samples a class, each float64 ``[C]``: no table of all pairs of classes, which may be very many.

    Attributes:
        right: that are the class and are called so.
        called: that are called so.
        there: that are the class.
    """

    right: Tensor
    called: Tensor
    there: Tensor

    @classmethod
    def of(cls, prediction: Tensor, target: Tensor) -> "Counts":
        """Of scores ``[N, C]`` and class indices ``[N]``."""
        called, classes = prediction.argmax(-1), prediction.shape[-1]
        parts = (target[called == target], called, target)
        return cls(*(part.bincount(minlength=classes).double() for part in parts))

    def precision(self) -> Tensor:
        """Of each class; 0 for one that is never called."""
        return self.right / self.called.clamp(min=1)

    def recall(self) -> Tensor:
        """Of each class; 0 for one that is never there."""
        return self.right / self.there.clamp(min=1)

    def f1(self) -> Tensor:
        """Of each class, the harmonic mean of both."""
        return 2 * self.right / (self.called + self.there).clamp(min=1)

    def mean(self, figure: Callable[["Counts"], Tensor], average: Average) -> Tensor:
        """Over the classes that are or are called, each counting the same or by its samples."""
        weights = self.there if average == "weighted" else ((self.called + self.there) > 0).double()
        return (figure(self) * weights).sum() / weights.sum()


def correct(prediction: Tensor, target: Tensor) -> Tensor:
    """Which of the scores ``[…, C]`` are largest at their class index ``[…]``: ``[…]`` of true and false.

    Of labels ``[…, D]``, which are floating-point, those whose probability is on their side of a half:
    ``[…, D]``. Their mean is the accuracy.
    """
    if target.is_floating_point():
        return (prediction > 0.5) == (target > 0.5)
    return prediction.argmax(-1) == target


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """The share of samples whose own class has the largest score, or of labels that are predicted right.

    It is measured of every classification, named or not.
    """

    name: ClassVar[str] = "accuracy"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multilabel")

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1."""
        return correct(prediction, target).double().mean()


@dataclass(frozen=True, kw_only=True)
class TopK:
    """The share of samples whose own class has one of the k largest scores; k classes at least."""

    k: PositiveInt = 5

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    @property
    def name(self) -> str:
        """``top_5`` and so on."""
        return f"top_{self.k}"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1."""
        return (prediction.topk(self.k).indices == target.unsqueeze(-1)).any(-1).double().mean()


@dataclass(frozen=True, kw_only=True)
class Precision:
    """Of what is called a class, the share that is: the mean over the classes, 0 for one never called.

    Classes that neither are nor are called count nothing, here and in ``recall`` and ``f1``. Several labels a
    sample are taken like classes, each called where its probability is over a half; all count.
    """

    average: Average = "macro"

    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multilabel")

    @property
    def name(self) -> str:
        """With its average."""
        return f"precision_{self.average}"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1."""
        from torchmetrics.functional.classification import multilabel_precision

        if target.is_floating_point():
            return multilabel_precision(
                prediction, target.long(), prediction.shape[-1], average=self.average, validate_args=False
            )
        return Counts.of(prediction, target).mean(Counts.precision, self.average)


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Of what is a class, the share that is called so: the mean over the classes."""

    average: Average = "macro"

    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multilabel")

    @property
    def name(self) -> str:
        """With its average."""
        return f"recall_{self.average}"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1."""
        from torchmetrics.functional.classification import multilabel_recall

        if target.is_floating_point():
            return multilabel_recall(
                prediction, target.long(), prediction.shape[-1], average=self.average, validate_args=False
            )
        return Counts.of(prediction, target).mean(Counts.recall, self.average)


@dataclass(frozen=True, kw_only=True)
class F1:
    """The harmonic mean of a class's precision and recall: the mean over the classes."""

    average: Average = "macro"

    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multilabel")

    @property
    def name(self) -> str:
        """With its average."""
        return f"f1_{self.average}"

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1."""
        from torchmetrics.functional.classification import multilabel_f1_score

        if target.is_floating_point():
            return multilabel_f1_score(
                prediction, target.long(), prediction.shape[-1], average=self.average, validate_args=False
            )
        return Counts.of(prediction, target).mean(Counts.f1, self.average)


@dataclass(frozen=True, kw_only=True)
class AUROC:
    """The area under the ROC curve of the softmax, one class against the rest: the mean over the classes.

    Classes without samples, or with all of them, have no such curve and don't count. Several labels a sample
    are taken like classes, each by its probability.
    """

    name: ClassVar[str] = "auroc"
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "multilabel")

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Between 0 and 1; chance is 0.5."""
        from torchmetrics.functional.classification import binary_auroc

        are_labels, outputs = target.is_floating_point(), prediction.shape[-1]
        # of large logits fewer would be the same in float32
        scores = prediction if are_labels else prediction.double().softmax(-1)
        there = target.sum(0) if are_labels else target.bincount(minlength=outputs)
        areas = []
        for place in ((there > 0) & (there < len(target))).nonzero().flatten().tolist():
            labels = target[:, place].long() if are_labels else (target == place).long()
            areas.append(binary_auroc(scores[:, place], labels, validate_args=False).double())
        return torch.stack(areas).mean() if areas else scores.new_tensor(torch.nan)


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix:
    """How many samples of each class (rows) are taken for each (columns): a table at the end, no figure."""

    name: ClassVar[str] = "confusion_matrix"
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Counts ``[C, C]``, which may be added up over batches."""
        from torchmetrics.functional.classification import multiclass_confusion_matrix

        return multiclass_confusion_matrix(prediction, target, prediction.shape[-1], validate_args=False)


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """The exponential of the mean negative log-likelihood of the softmax."""

    name: ClassVar[str] = "perplexity"
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """At least 1; the number of classes for scores that are all the same."""
        return F.cross_entropy(prediction.double(), target).exp()


@dataclass(frozen=True, kw_only=True)
class MAE:
    """The mean absolute error, over every value."""

    name: ClassVar[str] = "mae"
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "multilabel")

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """In the targets' own unit."""
        return F.l1_loss(prediction.double(), target.double())


@dataclass(frozen=True, kw_only=True)
class RMSE:
    """The square root of the mean squared error, over every value."""

    name: ClassVar[str] = "rmse"
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "multilabel")

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """In the targets' own unit."""
        return F.mse_loss(prediction.double(), target.double()).sqrt()


@dataclass(frozen=True, kw_only=True)
class R2:
    """The coefficient of determination, ``1 - sum((y - prediction)^2) / sum((y - mean(y))^2)``.

    It is the mean over the D values of a target. As in scikit-learn's ``r2_score``, one that never varies, as
    a pixel at the border of an image, counts 1 if it is predicted exactly, else 0; NaN where none varies.
    """

    name: ClassVar[str] = "r2"
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "multilabel")

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """At most 1; 0 for the mean as a prediction; NaN for fewer than two samples."""
        target = target.double()
        if len(target) < 2:
            return target.new_tensor(torch.nan)
        left = (target - prediction).square().sum(0)
        there = (target - target.mean(0)).square().sum(0)
        constant = (target == target[0]).all(0)
        scores = torch.where(constant, (left == 0).double(), 1 - left / there)
        scores = torch.where(left.isnan() | constant.all(), torch.nan, scores)
        return scores.mean()


@dataclass(frozen=True)
class OfLabel:
    """A metric of one of several labels.

    Args:
        metric: what is measured of it.
        label: its place in a target.
    """

    metric: Metric
    label: int

    tasks: ClassVar[tuple[Task, ...]] = ("multilabel",)

    @property
    def name(self) -> str:
        """``auroc_0``, ``auroc_1`` and so on; without an average, which makes no difference to one."""
        return f"{self.metric.name.removesuffix('_macro').removesuffix('_weighted')}_{self.label}"

    @property
    def smaller_is_better(self) -> bool:
        """As of all labels."""
        named: bool | None = getattr(self.metric, "smaller_is_better", None)
        return smaller_is_better(self.metric.name) if named is None else named

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The figure of this label alone."""
        part = slice(self.label, self.label + 1)
        return self.metric(prediction[:, part], target[:, part])
