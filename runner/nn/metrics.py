"""How good predictions are, beside the loss."""

from torch import Tensor


def correct(prediction: Tensor, target: Tensor) -> Tensor:
    """How many of the scores ``[N, C]`` are largest at their class index ``[N]``; a count, no sync.

    Divided by the number of samples it is the accuracy.
    """
    return (prediction.argmax(1) == target).sum()
