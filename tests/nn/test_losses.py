from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor

from runner.nn.losses import CrossEntropy, Loss
from runner.nn.metrics import correct
from runner.registry import LOSSES


def prediction() -> Tensor:
    return torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()


def target_of(loss: Loss) -> Tensor:
    if "classification" in loss.tasks:
        return torch.tensor([0, 1, 2, 3, 0, 1])
    return torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


# the formulas as the article writes them
FORMULAS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": lambda target, pred: (target - pred).square().mean(),
    "cross_entropy": lambda target, pred: F.nll_loss(pred.log_softmax(-1), target),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_formula(name: str) -> None:
    loss = LOSSES[name]()
    target = target_of(loss)
    torch.testing.assert_close(loss(prediction(), target), FORMULAS[name](target, prediction()))


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_the_function(name: str) -> None:
    loss = LOSSES[name]()
    assert torch.autograd.gradcheck(lambda p: loss(p, target_of(loss)), (prediction(),))


def test_cross_entropy_takes_logits_of_any_size() -> None:
    assert torch.isfinite(CrossEntropy()(torch.tensor([[1e4, -1e4]]), torch.tensor([1])))


def test_correct_counts_the_largest_scores() -> None:
    scores = torch.tensor([[1.0, 2], [2, 1], [0, 1], [0, 1]])
    assert correct(scores, torch.tensor([1, 0, 1, 0])).sum() == 3
