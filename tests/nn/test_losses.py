"""Each loss is torch's, in value and gradient: called, replayed, and for several models at once."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from inspect import signature

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from runner.engine.capture import Captured
from runner.nn.losses import (
    L1,
    MSE,
    NLL,
    BCEWithLogits,
    CosineDistance,
    CrossEntropy,
    Hinge,
    Huber,
    KLDiv,
    Loss,
    SmoothL1,
    balanced,
    mass,
)
from runner.registry import LOSSES

N, C = 6, 4
WEIGHTS = (0.5, 2.0, 0.0, 3.0)
TENSOR = torch.tensor(WEIGHTS)
CLASSES = torch.tensor([0, 1, 2, 3, 0, 1])


def drawn(seed: int = 0, *shape: int) -> Tensor:
    return torch.randn(shape or (N, C), generator=torch.Generator().manual_seed(seed))


def one_hot(target: Tensor) -> Tensor:
    return F.one_hot(target, C).float()


@dataclass
class Case:
    """A loss, torch's own, and predictions and targets for the two."""

    mine: Loss
    torchs: Callable[[Tensor, Tensor], Tensor]
    target: Tensor
    last: Callable[[Tensor], Tensor] = lambda x: x


def logs(x: Tensor) -> Tensor:
    return x.log_softmax(-1)


VALUES, DISTRIBUTIONS = drawn(1), drawn(2).softmax(-1)
NO_TRUTH = torch.tensor([[1.0, 0, 0, 0]]).expand(N, C)  # distributions with zeros
CASES = {
    "cross_entropy": Case(CrossEntropy(), nn.CrossEntropyLoss(), CLASSES),
    "cross_entropy weighted": Case(CrossEntropy(weight=WEIGHTS), nn.CrossEntropyLoss(TENSOR), CLASSES),
    "cross_entropy smoothed": Case(
        CrossEntropy(label_smoothing=0.2), nn.CrossEntropyLoss(label_smoothing=0.2), CLASSES
    ),
    "cross_entropy weighted and smoothed": Case(
        CrossEntropy(weight=WEIGHTS, label_smoothing=0.2),
        nn.CrossEntropyLoss(TENSOR, label_smoothing=0.2),
        CLASSES,
    ),
    "nll": Case(NLL(), nn.NLLLoss(), CLASSES, logs),
    "nll weighted": Case(NLL(weight=WEIGHTS), nn.NLLLoss(TENSOR), CLASSES, logs),
    "cross_entropy ignoring": Case(
        CrossEntropy(ignore_index=1), nn.CrossEntropyLoss(ignore_index=1), CLASSES
    ),
    "cross_entropy ignoring, smoothed": Case(
        CrossEntropy(ignore_index=1, label_smoothing=0.2),
        nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.2),
        CLASSES,
    ),
    "cross_entropy ignoring, weighted": Case(
        CrossEntropy(ignore_index=3, weight=WEIGHTS), nn.CrossEntropyLoss(TENSOR, ignore_index=3), CLASSES
    ),
    "cross_entropy, all": Case(
        CrossEntropy(ignore_index=3, weight=WEIGHTS, label_smoothing=0.2),
        nn.CrossEntropyLoss(TENSOR, ignore_index=3, label_smoothing=0.2),
        CLASSES,
    ),
    "nll, all": Case(NLL(ignore_index=0, weight=WEIGHTS), nn.NLLLoss(TENSOR, ignore_index=0), CLASSES, logs),
    "bce_with_logits": Case(BCEWithLogits(), nn.BCEWithLogitsLoss(), DISTRIBUTIONS),
    "bce_with_logits weighted": Case(
        BCEWithLogits(pos_weight=WEIGHTS), nn.BCEWithLogitsLoss(pos_weight=TENSOR), DISTRIBUTIONS
    ),
    "bce_with_logits, all": Case(
        BCEWithLogits(weight=(1.0, 2.0, 0.0, 0.5), pos_weight=WEIGHTS),
        nn.BCEWithLogitsLoss(torch.tensor([1.0, 2.0, 0.0, 0.5]), pos_weight=TENSOR),
        DISTRIBUTIONS,
    ),
    "bce_with_logits of classes": Case(
        BCEWithLogits(pos_weight=WEIGHTS),
        lambda x, y: nn.BCEWithLogitsLoss(pos_weight=TENSOR)(x, one_hot(y)),
        CLASSES,
    ),
    "hinge": Case(Hinge(), nn.MultiMarginLoss(), CLASSES),
    "hinge squared": Case(Hinge(p=2, margin=0.3), nn.MultiMarginLoss(2, 0.3), CLASSES),
    "hinge weighted": Case(Hinge(weight=WEIGHTS), nn.MultiMarginLoss(weight=TENSOR), CLASSES),
    "mse": Case(MSE(), nn.MSELoss(), VALUES),
    "l1": Case(L1(), nn.L1Loss(), VALUES),
    "huber": Case(Huber(), nn.HuberLoss(), VALUES),
    "huber delta": Case(Huber(delta=0.4), nn.HuberLoss(delta=0.4), VALUES),
    "smooth_l1": Case(SmoothL1(), nn.SmoothL1Loss(), VALUES),
    "smooth_l1 beta": Case(SmoothL1(beta=0.4), nn.SmoothL1Loss(beta=0.4), VALUES),
    "smooth_l1 beta 0": Case(SmoothL1(beta=0.0), nn.SmoothL1Loss(beta=0.0), VALUES),
    "kl_div": Case(KLDiv(), nn.KLDivLoss(reduction="batchmean"), DISTRIBUTIONS, logs),
    "kl_div zeros": Case(KLDiv(), nn.KLDivLoss(reduction="batchmean"), NO_TRUTH, logs),
    "kl_div of logs": Case(
        KLDiv(log_target=True), nn.KLDivLoss(reduction="batchmean", log_target=True), logs(VALUES), logs
    ),
    "cosine": Case(CosineDistance(), lambda x, y: nn.CosineEmbeddingLoss()(x, y, torch.ones(len(x))), VALUES),
}

TORCHS = {
    "cross_entropy": nn.CrossEntropyLoss,
    "nll": nn.NLLLoss,
    "bce_with_logits": nn.BCEWithLogitsLoss,
    "hinge": nn.MultiMarginLoss,
    "mse": nn.MSELoss,
    "l1": nn.L1Loss,
    "huber": nn.HuberLoss,
    "smooth_l1": nn.SmoothL1Loss,
    "kl_div": nn.KLDivLoss,
    "cosine": nn.CosineEmbeddingLoss,
}
NOT_OURS = {
    "reduction": "a loss is the mean of a batch",
    "reduce": "an older word for that",
    "size_average": "another",
    "margin of cosine": "is of pairs that should differ; a prediction and its target should not",
}
"""What torch's losses can be told and ours cannot, and why."""

SEQUENCES = ["cross_entropy", "nll", "bce_with_logits", "hinge"]

each_case = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def value_and_gradient(
    loss: Callable[[Tensor, Tensor], Tensor], case: Case, prediction: Tensor
) -> tuple[Tensor, Tensor]:
    prediction = prediction.clone().requires_grad_()
    value = loss(case.last(prediction), case.target)
    return value.detach(), torch.autograd.grad(value, prediction)[0]


def test_there_is_a_case_for_every_loss() -> None:
    assert {type(case.mine) for case in CASES.values()} == set(LOSSES.values())


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_torchs_arguments(name: str) -> None:
    theirs = {*signature(TORCHS[name]).parameters}
    left_out = {each for each in theirs if each in NOT_OURS or f"{each} of {name}" in NOT_OURS}
    mine = fields(LOSSES[name])  # type: ignore[arg-type]  # a dataclass, all of them
    assert {field.name for field in mine} == theirs - left_out


@each_case
def test_a_loss_is_torchs_in_value_and_gradient(case: Case) -> None:
    mine, torchs = (value_and_gradient(loss, case, drawn()) for loss in (case.mine, case.torchs))
    assert mine[0].dim() == 0
    assert torchs[1].count_nonzero() > 0
    torch.testing.assert_close(mine, torchs)


@each_case
def test_a_replayed_loss_is_the_loss(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    buffer, value, gradient = torch.empty(N, C), torch.zeros(()), torch.zeros(N, C)

    def compute(prediction: Tensor) -> None:
        for place, result in zip(
            (value, gradient), value_and_gradient(case.mine, case, prediction), strict=True
        ):
            place.copy_(result)

    captured = Captured(compute, torch.device("cpu"))
    for seed in (5, 6, 7):
        captured(buffer.copy_(drawn(seed)))
        expected = value_and_gradient(case.mine, case, drawn(seed))
        assert torch.equal(value, expected[0])
        assert torch.equal(gradient, expected[1])
    assert not caplog.records, "it was captured"


@each_case
def test_losses_of_stacked_models_are_their_own_replayed_too(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    buffer = torch.empty(3, N, C)
    values, gradients = torch.zeros(3), torch.zeros(3, N, C)
    targets = case.target.expand(3, *case.target.shape)

    def compute(predictions: Tensor) -> None:
        predictions = predictions.clone().requires_grad_()
        found = torch.vmap(lambda x, y: case.mine(case.last(x), y))(predictions, targets)
        values.copy_(found.detach())
        gradients.copy_(torch.autograd.grad(found.sum(), predictions)[0])

    captured = Captured(compute, torch.device("cpu"))
    for seeds in ((5, 6, 7), (8, 9, 10)):
        captured(buffer.copy_(torch.stack([drawn(seed) for seed in seeds])))
        for value, gradient, seed in zip(values, gradients, seeds, strict=True):
            torch.testing.assert_close((value, gradient), value_and_gradient(case.mine, case, drawn(seed)))
    assert not caplog.records, "it was captured"


@pytest.mark.parametrize("name", SEQUENCES)
def test_places_of_sequences_count_like_samples(name: str) -> None:
    loss = LOSSES[name]()
    target = torch.tensor([[0, 1, 2], [3, 2, 1]])
    assert loss(drawn(0, 2, 3, C), target) == pytest.approx(
        loss(drawn(0, 2, 3, C).flatten(0, 1), target.flatten()).item()
    )


def test_weights_are_there_for_training_after_an_evaluation() -> None:
    loss, prediction = CrossEntropy(weight=(0.1, 0.2, 0.3, 0.4)), drawn().requires_grad_()
    with torch.inference_mode():
        loss(drawn(), CLASSES)
    assert torch.autograd.grad(loss(prediction, CLASSES), prediction)[0].count_nonzero() > 0


@pytest.mark.parametrize("loss", [CrossEntropy, NLL, Hinge])
def test_balanced_weights_are_those_of_the_data(loss: type[CrossEntropy | NLL | Hinge]) -> None:
    targets = torch.tensor([0, 0, 0, 0, 1, 1, 3, 0])
    ready = balanced(loss(weight="balanced"), targets, C)
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=targets.numpy())
    assert isinstance(ready, loss)
    assert ready.weight == pytest.approx((*(expected[:2] * 3 / C), 0, expected[2] * 3 / C))
    assert balanced(loss(weight=WEIGHTS), targets, C) == loss(weight=WEIGHTS)


@pytest.mark.parametrize(
    "loss", [CrossEntropy(ignore_index=2), CrossEntropy(weight=WEIGHTS), NLL(weight=WEIGHTS)]
)
def test_a_batch_that_counts_nothing_has_no_loss_and_no_gradient(loss: Loss) -> None:
    prediction = drawn().requires_grad_()
    value = loss(prediction, torch.full((N,), 2))
    assert value == 0
    assert mass(loss, torch.full((N,), 2)) == 0
    assert torch.equal(torch.autograd.grad(value, prediction)[0], torch.zeros(N, C))


def test_the_mass_of_a_batch_is_what_its_mean_is_divided_by() -> None:
    targets = torch.stack([CLASSES, torch.tensor([0, 0, 0, 3, 3, 3])])
    assert mass(CrossEntropy(), CLASSES) == N
    assert mass(NLL(ignore_index=1), CLASSES) == 4
    loss = CrossEntropy(weight=WEIGHTS, ignore_index=3)
    torch.testing.assert_close(mass(loss, targets, members=1), torch.tensor([5.0, 1.5]))


def test_cross_entropy_takes_logits_of_any_size() -> None:
    assert torch.isfinite(CrossEntropy()(torch.tensor([[1e4, -1e4]]), torch.tensor([1])))
