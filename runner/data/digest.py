"""What names a data set: equal data, equal digest."""

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.data.pieces import pieces

BYTES = 16 * 1024**2
"""How much is read at once of an array in memory."""

BLOCK = 1024**2
"""How much of an array in a file has a checksum of its own."""


def digest_of(data: Dataset) -> str:
    """32 hex digits of the SHA-256 over all samples and targets, in their order, and their shapes.

    Arrays that stay in files may be larger than memory and are read whole all the same, at the speed of a
    disk: the SHA-256 is over CRC-32 checksums of their blocks. What several parts share is read once.
    """
    digest, checksums = hashlib.sha256(), dict[tuple[int, int], bytes]()
    for part in filter(None, (data.train, data.val, data.test)):
        if part.rows is not None:
            digest.update(part.rows.numpy().data)
        for values in (part.samples, part.targets):
            digest.update(f"{values.dtype} {list(values.shape)} {values.stride()}".encode())
            if part.mapped:
                place = (values.data_ptr(), len(values))
                if place not in checksums:
                    checksums[place] = b"".join(checksums_of(values, part))
                digest.update(checksums[place])
            else:
                for piece in in_memory(values):
                    digest.update(bytes_of(piece))
    return digest.hexdigest()[:32]


def checksums_of(values: Tensor, part: Split) -> Iterator[bytes]:
    """The CRC-32 of each block of an array in a file."""
    for piece in pieces(values, part.let_go):
        content = bytes_of(piece)
        for start in range(0, len(content), BLOCK):
            yield zlib.crc32(content[start : start + BLOCK]).to_bytes(4)


def bytes_of(piece: Tensor) -> memoryview:
    """The values of a piece as they lie in memory."""
    return piece.contiguous().view(torch.uint8).flatten().numpy().data


def in_memory(values: Tensor) -> Sequence[Tensor]:
    """The parts of an array in memory that its digest is made of."""
    row = values[0].nbytes
    if values.stride(0) * values.itemsize < row:  # windows that overlap: each value is read once
        steps = values.stride(0) // max(values.stride(1), 1)
        return values[:, :steps], values[-1]
    return torch.split(values, BYTES // row + 1)
