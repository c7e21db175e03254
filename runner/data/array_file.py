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
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.named_file import refuse_more_than_memory, refuse_web_page
from runner.errors import DataError
from runner.types import Shape

IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Types by their codes in idx files; those of images and labels are the first."""

NPY_MAGIC = b"\x93NUMPY"

GZIP = 0x1F8B
"""How a packed file begins."""

LONGEST_HEAD = 10_000
"""Bytes of a head of npy's; numpy refuses longer ones, too."""

TORCH_TYPES = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"}
"""Types that torch computes with."""

READ_AS = {name: name for name in TORCH_TYPES} | {"uint16": "int32", "uint32": "int64"}
"""Types that are read, and what they become."""


@dataclass(frozen=True)
class Head:
    """What stands before the values.

    Attributes:
        dtype: the type of the values.
        shape: of the array.
        size: bytes of the head itself.
    """

    dtype: np.dtype[Any]
    shape: Shape
    size: int

    @property
    def whole(self) -> int:
        """Bytes that there should be, head and values."""
        return self.size + prod(self.shape) * self.dtype.itemsize

    def refuse_size(self, path: Path, size: int) -> None:
        """Hold the head against the bytes that there are, before memory is taken for what it tells of.

        Raises:
            DataError: if they differ.
        """
        if size != self.whole:
            raise DataError(
                f"{path}: has {size:,} bytes, its head tells of {self.whole:,}: "
                f"{list(self.shape)} {self.dtype}"
            )


@dataclass(frozen=True)
class ArrayFile:
    """What an array file's head says, held against the file's size.

    Attributes:
        path: the file.
        dtype: the type of its values, as they lie there.
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
        refuse_web_page(path)
        try:
            with path.open("rb") as file:
                file.seek(start)
                head = read_head(file)
            size = path.stat().st_size - start if size is None else size
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read as an idx or npy file: {error}") from error
        head.refuse_size(path, size)
        return cls(path, head.dtype, head.shape, start + head.size)

    def __len__(self) -> int:
        return self.shape[0]

    def read(self) -> Tensor:
        """The whole array in memory."""
        values = np.fromfile(self.path, self.dtype, prod(self.shape), offset=self.offset)
        return tensor_of(values.reshape(self.shape))

    def map(self) -> "MappedArray":
        """The array where it lies: parts of it come into memory when they are read.

        Of another byte order, or a type that torch doesn't compute with, all of it is read.

        Raises:
            DataError: if that does not fit into memory.
        """
        if not self.dtype.isnative or self.dtype.name not in TORCH_TYPES:
            refuse_more_than_memory(self.path, prod(self.shape) * (self.dtype.itemsize + 8))
            return MappedArray(self.read(), None)
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


def tensor_of(values: npt.NDArray[Any]) -> Tensor:
    """An array as a tensor, in this machine's byte order and in a type that torch computes with.

    Raises:
        DataError: if it is not of numbers, or of more bits than are read.
    """
    if values.dtype.name not in READ_AS:
        raise DataError(f"its values are of type {values.dtype}; known: {', '.join(sorted(READ_AS))}")
    return torch.from_numpy(np.ascontiguousarray(values, np.dtype(READ_AS[values.dtype.name])))


def check_shape(shape: Shape) -> None:
    """A damaged head can hold anything.

    Raises:
        ValueError: if it is no shape of an array of samples.
    """
    if len(shape) > 32:
        raise ValueError(f"it has {len(shape)} dimensions, at most 32 are read")
    if not shape or not all(type(size) is int and 0 < size < 2**63 for size in shape):
        raise ValueError(f"its shape {shape} is none of an array with something in it")


def read_head(file: IO[bytes]) -> Head:
    """Read the head of an array.

    Args:
        file: which stands where the head begins, and after that where the values begin.

    Raises:
        ValueError: if there is none, or it tells of no array of numbers.
    """
    begin = file.tell()
    npy = file.read(len(NPY_MAGIC)) == NPY_MAGIC
    file.seek(begin)
    try:
        dtype, shape = _npy_head(file) if npy else _idx_head(file)
    except (TypeError, struct.error, tokenize.TokenError, SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"its head is damaged ({' '.join(str(error).split())})") from error
    check_shape(shape)
    return Head(dtype, shape, file.tell() - begin)


def _npy_head(file: IO[bytes]) -> tuple[np.dtype[Any], Shape]:
    is_first = np.lib.format.read_magic(file) == (1, 0)
    begin = file.tell()
    (size,) = struct.unpack("<H" if is_first else "<I", file.read(2 if is_first else 4))
    if size > LONGEST_HEAD:
        raise ValueError(f"its head says that it has {size:,} bytes itself")
    file.seek(begin)
    read = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(file)
    if fortran_order:
        raise ValueError("it is stored column by column (Fortran order); save it with np.ascontiguousarray")
    if dtype.name not in READ_AS:
        raise ValueError(f"its values are of type {dtype}; known: {', '.join(sorted(READ_AS))}")
    return dtype, tuple(shape)


def _idx_head(file: IO[bytes]) -> tuple[np.dtype[Any], Shape]:
    zeros, code, dimensions = struct.unpack(">HBB", file.read(4))
    if zeros != 0 or code not in IDX_TYPES:
        raise ValueError(f"it begins like neither{', but as one that gzip has packed' * (zeros == GZIP)}")
    return np.dtype(IDX_TYPES[code]), struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
