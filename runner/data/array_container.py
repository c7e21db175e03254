"""Arrays in files that may hold several: npz, NumPy's, and pt, torch's; or one: npy and idx."""

import pickle
import struct
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from runner.data.array_file import READ_AS, ArrayFile, MappedArray, check_shape, read_head, tensor_of
from runner.data.named_file import refuse_more_than_memory, refuse_web_page
from runner.errors import DataError, first_line, unknown
from runner.types import Shape


@dataclass(frozen=True)
class HeldArray:
    """An array that has been read, or that torch has mapped; to whoever asks it is an ``ArrayFile``.

    Attributes:
        path: the file, and the array's name in it if there are several.
        values: the array.
    """

    path: Path
    values: Tensor

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return np.dtype(str(self.values.dtype).removeprefix("torch."))

    @property
    def shape(self) -> Shape:
        """Of the whole array."""
        return tuple(self.values.shape)

    def __len__(self) -> int:
        return len(self.values)

    def map(self) -> MappedArray:
        """The array; how much of it is in memory is not ours to say."""
        return MappedArray(self.values, None)


def open_array(path: Path) -> ArrayFile | HeldArray:
    """Find an array: a file, or ``file.npz/name`` or ``file.pt/name``; the only one needs no name.

    Arrays in npz files that are not compressed stay there, those of pt files as well.

    Raises:
        DataError: if there is none such, or it can't be read.
    """
    for file, name in ((path, None), (path.parent, path.name)):
        if file.suffix == ".npz":
            return _in_npz(file, name)
        if file.suffix == ".pt":
            return _in_pt(file, name)
    return ArrayFile.open(path)


def _in_npz(file: Path, name: str | None) -> ArrayFile | HeldArray:
    refuse_web_page(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            name = _only(file, name, list(members))
            info = members[name]
            if info.compress_type == zipfile.ZIP_STORED:
                return ArrayFile.open(file, _start(file, info), info.file_size)
            return _held(file / name, _unpacked(archive, info, file / name))
    except DataError:
        raise
    except Exception as error:  # zipfile raises all kinds of a damaged file, those of its packers too
        raise DataError(f"{file}: cannot be read as an npz file: {error}") from error


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Tensor:
    """A packed array, which takes no memory before its head, and the machine, say that there is room."""
    with archive.open(info) as content:
        read_head(content).refuse_size(path, info.file_size)
    refuse_more_than_memory(path, info.file_size)
    with archive.open(info) as content:
        return tensor_of(np.lib.format.read_array(content, allow_pickle=False))


def _start(file: Path, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: after its local header of 30 bytes, its name and extra field.

    Source: .ZIP File Format Specification, 4.3.7.
    """
    with file.open("rb") as content:
        content.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", content.read(4))
    return info.header_offset + 30 + int(name) + int(extra)


def _in_pt(file: Path, name: str | None) -> HeldArray:
    refuse_web_page(file)
    try:
        _refuse_packed(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tensors that are refused below
            found = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{file}: cannot be read as a file of torch's with tensors alone: what else it holds could be "
            "code, which is not run"
        ) from error
    except Exception as error:  # torch raises all kinds of a damaged file
        raise DataError(
            f"{file}: cannot be read as a file of torch's with tensors alone: {first_line(error)}"
        ) from error
    tensors = {str(key): value for key, value in found.items()} if isinstance(found, dict) else {"": found}
    name = _only(file, name, list(tensors))
    values = tensors[name]
    if not isinstance(values, Tensor):
        raise DataError(f"{file / name}: is a {type(values).__name__}, not a tensor")
    return _held(file / name, values)


def _refuse_packed(file: Path) -> None:
    """Refuse a file that torch has not written: its own hold everything as it is, so nothing unfolds.

    Raises:
        ValueError: if it is such.
        Exception: whatever zipfile says of a damaged one.
    """
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ValueError("it is packed, which torch.save doesn't do")


def _only(file: Path, name: str | None, known: list[str]) -> str:
    """The name of the array that is meant.

    Raises:
        DataError: if there is none of that name, or several and none is named.
    """
    if name is None and len(known) == 1:
        return known[0]
    if name is None:
        raise DataError(f"{file}: holds {', '.join(known) or 'nothing'}. Say which: {file.name}/<name>")
    if name not in known:
        raise DataError(unknown(str(file), name, known, "has no array"))
    return name


def _held(path: Path, values: Tensor) -> HeldArray:
    try:
        check_shape(tuple(values.shape))
        if values.layout != torch.strided or values.device.type != "cpu":
            raise ValueError("it is no array with a number at each place")
        if values.untyped_storage().nbytes() < values.nbytes:
            raise ValueError("it says one number many times (torch.expand); save its contiguous()")
        if (dtype := str(values.dtype).removeprefix("torch.")) not in READ_AS:
            raise ValueError(f"its values are of type {dtype}; known: {', '.join(sorted(READ_AS))}")
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    wanted = getattr(torch, READ_AS[dtype])
    return HeldArray(path, values.detach().to(wanted).contiguous())
