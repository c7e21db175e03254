"""A link makes of outputs what scipy and numpy make of them; of one against the rest as scikit-learn does."""

import numpy as np
import pytest
import scipy.special
import torch
from torch import Tensor

from runner.nn.link import Link, LinkName, link_of
from runner.nn.losses import (
    MSE,
    NLL,
    BCEWithLogits,
    CosineDistance,
    CrossEntropy,
    Hinge,
    Huber,
    KLDiv,
)
from runner.registry import LOSSES
from runner.types import Task

OUTPUTS = 3 * torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
SAMPLES = OUTPUTS.double().numpy()


SHARES = scipy.special.expit(SAMPLES)

LINKS: list[tuple[object, Task, object]] = [
    (CrossEntropy(), "classification", scipy.special.softmax(SAMPLES, -1)),
    (Hinge(), "classification", scipy.special.softmax(SAMPLES, -1)),
    (BCEWithLogits(), "classification", SHARES / SHARES.sum(-1, keepdims=True)),
    (BCEWithLogits(), "regression", scipy.special.expit(SAMPLES)),
    (BCEWithLogits(), "multilabel", scipy.special.expit(SAMPLES)),
    (KLDiv(), "regression", np.exp(SAMPLES)),
    (KLDiv(log_target=True), "regression", SAMPLES),
    (MSE(), "regression", SAMPLES),
    (Huber(), "regression", SAMPLES),
    (CosineDistance(), "regression", SAMPLES),
]


@pytest.mark.parametrize(
    ("loss", "task", "expected"), LINKS, ids=[f"{type(loss).__name__}-{task}" for loss, task, _ in LINKS]
)
def test_predictions_are_those_of_the_loss(loss: object, task: Task, expected: np.ndarray) -> None:
    predicted = link_of(loss, task).predictions(OUTPUTS)
    assert predicted.dtype == torch.float32
    np.testing.assert_allclose(predicted.numpy(), expected, rtol=1e-5, atol=1e-7)


def test_the_probabilities_of_nll_are_the_exponentials_of_log_probabilities() -> None:
    logs = OUTPUTS.log_softmax(-1)
    predicted = link_of(NLL(), "classification").predictions(logs)
    np.testing.assert_allclose(predicted.numpy(), np.exp(logs.numpy()), rtol=1e-5)


def test_the_sigmoids_of_two_classes_that_mirror_each_other_are_the_probabilities() -> None:
    logit = OUTPUTS[:, :1]
    predicted = link_of(BCEWithLogits(), "classification").predictions(torch.cat([-logit, logit], 1))
    np.testing.assert_allclose(predicted[:, 1:].numpy(), torch.sigmoid(logit).numpy(), rtol=1e-5)


@pytest.mark.parametrize("name", ["identity", "sigmoid", "exp", "softmax"])
@pytest.mark.parametrize(
    "outputs", [OUTPUTS, torch.tensor([[150.0, 200.0, 120.0], [-900.0, -800.0, -2000.0]])]
)
def test_the_probabilities_of_classes_add_up_to_1_and_the_largest_output_has_the_largest(
    name: LinkName, outputs: Tensor
) -> None:
    outputs = (outputs / 2000).sigmoid() if name == "identity" else outputs
    link = Link(name, "classification")
    predicted = link.predictions(outputs)
    torch.testing.assert_close(predicted.sum(-1), torch.ones(len(outputs)))
    highest = outputs.max(-1, keepdim=True).indices
    assert (predicted.gather(-1, highest) == predicted.max(-1, keepdim=True).values).all()
    torch.testing.assert_close(link.scores(outputs).softmax(-1).float(), predicted)


def test_every_loss_has_a_link_for_each_of_its_tasks() -> None:
    for loss in LOSSES.values():
        for task in loss.tasks:
            assert link_of(loss(), task).predictions(OUTPUTS).isfinite().all()


def test_a_loss_of_ones_own_names_its_link_or_has_the_tasks() -> None:
    class Own:
        link = "sigmoid"

    assert link_of(Own(), "classification") == Link("sigmoid", "classification")
    assert link_of(object(), "classification").name == "softmax"
    assert link_of(object(), "regression").name == link_of(object(), "multilabel").name == "identity"
