"""Very many classes take no table of their pairs; more of them than samples are refused at the start."""

import numpy as np
import pytest
import sklearn.metrics as reference
import torch

from runner.config.check import check
from runner.errors import ConfigError
from runner.metrics import AUROC, F1, Metric, Precision, Recall
from tests.sweep.composed import jobs_of

CLASSES, SAMPLES = 50_000, 60
"""A table of all pairs would take 20 GB."""


@pytest.fixture(scope="module")
def predicted() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 20, (SAMPLES,), generator=generator) * 2000 + 7
    scores = torch.randn(SAMPLES, CLASSES, generator=generator)
    scores[torch.arange(SAMPLES // 2), target[: SAMPLES // 2]] += 20
    return scores, target


@pytest.mark.parametrize("average", ["macro", "weighted"])
@pytest.mark.parametrize("kind", [Precision, Recall, F1])
def test_figures_of_each_class_are_scikit_learns(
    kind: type[Precision | Recall | F1], average: str, predicted: tuple[torch.Tensor, torch.Tensor]
) -> None:
    scores, target = predicted
    metric: Metric = kind(average=average)  # type: ignore[arg-type]
    theirs = getattr(reference, f"{kind.__name__.lower()}_score")
    expected = theirs(target, scores.argmax(-1), average=average, zero_division=0)
    assert 0 < expected < 1
    assert metric(scores, target).item() == pytest.approx(expected, rel=1e-12)


def test_auroc_is_the_mean_over_the_classes_that_are_there(
    predicted: tuple[torch.Tensor, torch.Tensor],
) -> None:
    scores, target = predicted
    shares = scores.double().softmax(-1).numpy()
    expected = [
        reference.roc_auc_score(target == each, shares[:, each]) for each in sorted(set(target.tolist()))
    ]
    assert AUROC()(scores, target).item() == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("source", ["blobs", "spirals"])
def test_more_classes_than_samples_are_refused(source: str) -> None:
    plain = jobs_of([f"data={source}"])[0].config.plain
    with pytest.raises(
        ConfigError, match=r"^data.classes: 1,000,000 of 1,000 samples, each class should have one"
    ):
        check({**plain, "data": {**plain["data"], "classes": 1_000_000}})


def test_a_confusion_matrix_of_very_many_classes_is_refused() -> None:
    plain = jobs_of(["data=blobs"])[0].config.plain
    many = {**plain["data"], "classes": 10_000, "samples": 10_000}
    wanted = {**plain["train"], "metrics": ["confusion_matrix"]}
    with pytest.raises(
        ConfigError, match=r"^train.metrics: a confusion_matrix of 10,000 classes has 100,000,000 c"
    ):
        check({**plain, "data": many, "train": wanted})
