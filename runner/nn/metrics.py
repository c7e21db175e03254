"""How good predictions are, beside the loss."""

import torch
from torch import Tensor

ROWS = 4096
"""Predictions that are counted at once."""


def correct(prediction: Tensor, target: Tensor) -> Tensor:
    """How many of the scores ``[N, C]`` are largest at their class index ``[N]``; a count, no sync.

    Divided by the number of samples it is the accuracy.
    """
    return (prediction.argmax(1) == target).sum()


class CorrectCount:
    """Counts correct predictions over many batches.

    They are copied and counted a few thousand at a time, which costs less than to count those of each
    batch.

    Args:
        batch_size: the most predictions that are added at once.
        device: where they are.
    """

    def __init__(self, batch_size: int, device: torch.device) -> None:
        self._targets = torch.empty(max(batch_size, ROWS), dtype=torch.int64, device=device)
        self._scores: Tensor | None = None
        self._rows = 0
        self._count = torch.zeros((), dtype=torch.int64, device=device)

    def clear(self) -> None:
        """Begin anew."""
        self._rows = 0
        self._count.zero_()

    def add(self, prediction: Tensor, target: Tensor) -> None:
        """Count scores ``[N, C]`` against class indices ``[N]``; both may change afterwards."""
        rows = len(target)
        if self._scores is None:
            self._scores = prediction.new_empty(len(self._targets), *prediction.shape[1:])
        if self._rows + rows > len(self._targets):
            self._settle()
        self._scores.narrow(0, self._rows, rows).copy_(prediction)
        self._targets.narrow(0, self._rows, rows).copy_(target)
        self._rows += rows

    def total(self) -> Tensor:
        """How many were correct, a scalar on the device."""
        self._settle()
        return self._count

    def _settle(self) -> None:
        if self._scores is not None and self._rows:
            self._count += correct(self._scores[: self._rows], self._targets[: self._rows])
            self._rows = 0
