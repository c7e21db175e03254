"""Arrays in files, idx and npy: what the head of a file says, and its values without reading them all.

idx is the format of MNIST and its relatives: two zero bytes, a byte for the type, one for the number of
dimensions, each dimension as a big-endian 32-bit number, then the values (Y. LeCun's MNIST page). npy is
NumPy's (``numpy.lib.format``).
"""

import mmap
import struct
import tokenize
import warnings
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from runner.errors import DataError
from runner.types import Shape

IDX_UINT8 = 0x08
"""The code of the one type that idx files of images and labels have."""

NPY_MAGIC = b"\x93NUMPY"

TORCH_TYPES = {"uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"}


@dataclass(frozen=True)
class ArrayFile:
    """What an array file's head says, held against the file's size.

    Attributes:
        path: the file.
        dtype: the type of its values, in the byte order of this machine.
        shape: of the whole array.
        offset: bytes before the first value.
    """

    path: Path
    dtype: np.dtype[Any]
    shape: Shape
    offset: int

    @classmethod
    def open(cls, path: Path, start: int = 0, size: int | None = None) -> "ArrayFile":
        """Read the head of a file, or of a part of one.

        Args:
            path: the file.
            start: where in it the array's head begins.
            size: the bytes from there on; all that there are if left out.

        Raises:
            DataError: if the file is missing, is neither idx nor npy, or has another size than it says.
        """
        try:
            with path.open("rb") as file:
                file.seek(start)
                npy = file.read(len(NPY_MAGIC)) == NPY_MAGIC
                file.seek(start)
                dtype, shape = _npy_head(file) if npy else _idx_head(file)
                found = cls(path, dtype, shape, file.tell())
            size = path.stat().st_size - start if size is None else size
            check_shape(shape)
        except (OSError, ValueError, TypeError, struct.error, tokenize.TokenError) as error:
            raise DataError(f"{path}: cannot be read as an idx or npy file: {error}") from error
        expected = found.offset - start + prod(shape) * dtype.itemsize
        if size != expected:
            raise DataError(
                f"{path}: has {size:,} bytes, its head tells of {expected:,}: {list(shape)} {dtype}"
            )
        return found

    def __len__(self) -> int:
        return self.shape[0]

    def read(self) -> Tensor:
        """The whole array in memory."""
        values = np.fromfile(self.path, self.dtype, prod(self.shape), offset=self.offset)
        return torch.from_numpy(values.reshape(self.shape))

    def map(self) -> "MappedArray":
        """The array where it lies: parts of it come into memory when they are read."""
        with self.path.open("rb") as file:
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # writable ones count as memory
        values = np.frombuffer(pages, self.dtype, prod(self.shape), self.offset)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return MappedArray(torch.from_numpy(values.reshape(self.shape)), pages)


@dataclass(frozen=True)
class MappedArray:
    """An array that lies in a file, and the pages of it that are in memory; nobody may write to it.

    ``pages`` is None where they are in somebody else's hands, or all in memory.
    """

    values: Tensor
    pages: mmap.mmap | None

    def let_go(self) -> None:
        """Give the memory of the pages read so far back; they are read again when they are wanted."""
        if self.pages is not None:
            self.pages.madvise(mmap.MADV_DONTNEED)


def check_shape(shape: Shape) -> None:
    """A damaged head can hold anything.

    Raises:
        ValueError: if it is no shape of an array of samples.
    """
    if not 0 < len(shape) <= 32 or not all(type(size) is int and 0 < size < 2**63 for size in shape):
        raise ValueError(f"its shape {shape} is none of an array with something in it")


def _npy_head(file: BinaryIO) -> tuple[np.dtype[Any], Shape]:
    version = np.lib.format.read_magic(file)
    read_head = (
        np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    )
    shape, fortran_order, dtype = read_head(file)
    if fortran_order:
        raise ValueError("it is stored column by column (Fortran order); save it with np.ascontiguousarray")
    if dtype.name not in TORCH_TYPES or not dtype.isnative:
        raise ValueError(f"its values are of type {dtype}; known: {', '.join(sorted(TORCH_TYPES))}")
    return dtype, tuple(shape)


def _idx_head(file: BinaryIO) -> tuple[np.dtype[Any], Shape]:
    zeros, code, dimensions = struct.unpack(">HBB", file.read(4))
    if zeros != 0 or code != IDX_UINT8:
        raise ValueError("it begins like neither")
    return np.dtype(np.uint8), struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
