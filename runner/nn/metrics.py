"""How good predictions are, beside the loss."""

from torch import Tensor


def correct(prediction: Tensor, target: Tensor) -> Tensor:
    """How many of the scores ``[N, C]`` are largest at their class index ``[N]``; a count, no sync."""
    return (prediction.argmax(1) == target).sum()


def accuracy(prediction: Tensor, target: Tensor) -> Tensor:
    """The share of ``correct`` predictions, between 0 and 1."""
    return correct(prediction, target) / len(target)
