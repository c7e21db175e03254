"""What names a data set: equal data, equal digest."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from runner.data.dataset import Dataset

BYTES = 16 * 1024**2
"""How much is read at once."""

ENDS = 64 * 1024
"""How much is read of an array in a file, at its beginning and at its end."""


def digest_of(data: Dataset) -> str:
    """32 hex digits of the SHA-256 over all samples and targets, in their order, and their shapes.

    Of arrays that stay in files only the ends are read: those may be larger than memory.
    """
    digest = hashlib.sha256()
    for part in filter(None, (data.train, data.val, data.test)):
        if part.rows is not None:
            digest.update(part.rows.numpy().data)
        for values in (part.samples, part.targets):
            digest.update(f"{values.dtype} {list(values.shape)} {values.stride()}".encode())
            for piece in pieces(values, mapped=bool(part.mapped)):
                digest.update(piece.contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def pieces(values: Tensor, *, mapped: bool) -> Sequence[Tensor]:
    """The parts of an array that its digest is made of."""
    row = values[0].nbytes
    if mapped:
        rows = ENDS // row + 1
        return values[:rows], values[-rows:]
    if values.stride(0) * values.itemsize < row:  # windows that overlap: each value is read once
        steps = values.stride(0) // max(values.stride(1), 1)
        return values[:, :steps], values[-1]
    return torch.split(values, BYTES // row + 1)
