"""How good predictions are, beside the loss."""

from torch import Tensor


def correct(prediction: Tensor, target: Tensor) -> Tensor:
    """Which of the scores ``[…, C]`` are largest at their class index ``[…]``: ``[…]`` of true and false.

    Their mean is the accuracy.
    """
    return prediction.argmax(-1) == target
