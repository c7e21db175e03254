"""Large arrays, a piece at a time: they may lie in files that are larger than memory."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

BYTES = 16 * 1024**2
"""How much is looked at at once."""


def nothing() -> None:
    """What is done between two pieces of values that are in memory."""


def pieces(values: Tensor, let_go: Callable[[], None] = nothing) -> Iterator[Tensor]:
    """The samples ``[N, …]``, a few at a time; ``let_go`` is called after each piece, of values in a file."""
    for piece in torch.split(values, BYTES // max(values[0].nbytes, 1) + 1):
        yield piece
        let_go()
