"""Each metric is scikit-learn's, and gets better the way that its name says."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as reference
import torch
from torch import Tensor

from runner.metrics import (
    AUROC,
    F1,
    MAE,
    R2,
    RMSE,
    Accuracy,
    ConfusionMatrix,
    Metric,
    Perplexity,
    Precision,
    Recall,
    TopK,
    correct,
)
from runner.objective import cost
from runner.registry import METRICS

N, C = 300, 7

Array = npt.NDArray[Any]
Reference = Callable[[Array, Array], float]


def softmax(scores: Array) -> Array:
    raised = np.exp(scores.astype(np.float64))
    return np.asarray(raised / raised.sum(-1, keepdims=True))


CASES: list[tuple[Metric, Reference]] = [
    (Accuracy(), lambda y, x: reference.accuracy_score(y, x.argmax(-1))),
    (TopK(k=3), lambda y, x: reference.top_k_accuracy_score(y, x, k=3)),
    (Precision(), lambda y, x: reference.precision_score(y, x.argmax(-1), average="macro", zero_division=0)),
    (Precision(average="weighted"),
     lambda y, x: reference.precision_score(y, x.argmax(-1), average="weighted", zero_division=0)),
    (Recall(), lambda y, x: reference.recall_score(y, x.argmax(-1), average="macro")),
    (Recall(average="weighted"), lambda y, x: reference.recall_score(y, x.argmax(-1), average="weighted")),
    (F1(), lambda y, x: reference.f1_score(y, x.argmax(-1), average="macro")),
    (F1(average="weighted"), lambda y, x: reference.f1_score(y, x.argmax(-1), average="weighted")),
    (AUROC(), lambda y, x: reference.roc_auc_score(y, softmax(x), multi_class="ovr")),
    (Perplexity(), lambda y, x: np.exp(reference.log_loss(y, softmax(x)))),
    (MAE(), reference.mean_absolute_error),
    (RMSE(), lambda y, x: reference.mean_squared_error(y, x) ** 0.5),
    (R2(), reference.r2_score),
]  # fmt: skip


def data(task: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Predictions that are somewhat right, and targets: some classes are rarer, one is never called."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(N, C, generator=generator)
    if task == "regression":
        target = 100 + torch.randn(N, C, generator=generator)
        return target + noise, target
    target = torch.cat([torch.arange(C), torch.randint(0, C, (N - C,), generator=generator)])
    target[C:] = target[C:].clamp(min=2)
    scores = noise + 2 * torch.nn.functional.one_hot(target, C)
    scores[:, 3] -= 20
    return scores, target


def test_every_metric_is_compared() -> None:
    assert {type(metric) for metric, _ in CASES} | {ConfusionMatrix} == set(METRICS.values())


@pytest.mark.parametrize(("metric", "expected"), CASES, ids=[metric.name for metric, _ in CASES])
def test_a_metric_is_scikit_learns(metric: Metric, expected: Reference) -> None:
    prediction, target = data(metric.tasks[0])
    value = metric(prediction, target)
    assert value.shape == ()
    assert value.item() == pytest.approx(expected(target.numpy(), prediction.numpy()), rel=1e-5)


@pytest.mark.parametrize("metric", [metric for metric, _ in CASES], ids=lambda metric: metric.name)
def test_it_gets_better_the_way_that_its_name_says(metric: Metric) -> None:
    prediction, target = data(metric.tasks[0])
    perfect = target if "regression" in metric.tasks else 9 * torch.nn.functional.one_hot(target, C)
    good, bad = metric(perfect.float(), target).item(), metric(prediction, target).item()
    name = f"test/{metric.name}"
    assert cost(name, good) < cost(name, bad)
    assert cost(f"best/{name}", good) < cost(f"best/{name}", bad)


@pytest.mark.parametrize("metric", [metric for metric, _ in CASES], ids=lambda metric: metric.name)
def test_predictions_that_are_no_numbers_are_measured_without_an_error(metric: Metric) -> None:
    prediction, target = data(metric.tasks[0])
    assert metric(prediction * torch.nan, target).shape == ()


def test_a_confusion_matrix_is_scikit_learns() -> None:
    scores, target = data("classification")
    expected = torch.from_numpy(reference.confusion_matrix(target, scores.argmax(-1)))
    assert torch.equal(ConfusionMatrix()(scores, target), expected)


def test_large_scores_are_told_apart_by_auroc() -> None:
    scores = torch.tensor([[30.0, 0], [31, 0], [32, 0], [33, 0]])
    assert AUROC()(scores, torch.tensor([1, 1, 0, 0])) == 1


def test_classes_without_samples_have_no_part_in_auroc() -> None:
    scores, target = torch.tensor([[3.0, 0, 9], [0, 3, 0], [1, 0, 0], [2, 1, 0]]), torch.tensor([0, 1, 0, 1])
    expected = reference.roc_auc_score(target == 1, scores.softmax(-1)[:, 1].numpy())
    other = reference.roc_auc_score(target == 0, scores.softmax(-1)[:, 0].numpy())
    assert AUROC()(scores, target) == pytest.approx((expected + other) / 2)
    assert AUROC()(scores, torch.ones(4, dtype=torch.int64)).isnan()


def test_r2_is_exact_far_from_zero() -> None:
    target = 1e4 + torch.arange(100.0).unsqueeze(1) / 100
    assert R2()(target, target) == 1
    assert R2()(target.mean().expand(100, 1), target) == pytest.approx(0, abs=1e-4)


def test_r2_is_not_defined_where_nothing_varies() -> None:
    assert R2()(torch.randn(5, 1), torch.ones(5, 1)).isnan()


def test_correct_counts_the_largest_scores() -> None:
    scores = torch.tensor([[1.0, 2], [2, 1], [0, 1], [0, 1]])
    assert correct(scores, torch.tensor([1, 0, 1, 0])).sum() == 3
