"""Inputs without targets, in a file: what a trained model shall say something of."""

import csv
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from runner.data.array_container import open_array
from runner.data.arrays import fits, sample_shape
from runner.data.named_file import refuse_web_page
from runner.data.soundness import first_not_finite
from runner.errors import DataError
from runner.types import Shape


def read_array(path: Path, in_shape: Shape) -> Tensor:
    """The samples of a file of arrays ``[N, *in_shape]``; they stay in the file until they are used.

    Raises:
        DataError: if it cannot be read, or its samples have another shape or are not finite.
    """
    file = open_array(path)
    if not fits(file.shape[1:], in_shape):
        raise DataError(
            f"{path}: its samples are {list(sample_shape(file))}, the model takes {list(in_shape)}"
        )
    mapped = file.map()
    return finite(path, mapped.values).view(len(file), *in_shape)


def finite(path: Path, values: Tensor) -> Tensor:
    """The values.

    Raises:
        DataError: if one is none that a model takes.
    """
    if (place := first_not_finite(values)) is not None:
        raise DataError(f"{path}: row {place} is not finite: NaN, or too large for float32")
    return values


def read_csv(path: Path, in_shape: Shape) -> Tensor:
    """The rows of a table of numbers ``[N, *in_shape]``, a column an input, in the inputs' order.

    A first row that is not of numbers is a header.

    Raises:
        DataError: if it cannot be read, or a row has not as many numbers as a sample.
    """
    refuse_web_page(path)
    width, rows = prod(in_shape), []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for cells in filter(None, reader):
                try:
                    rows.append([float(cell) for cell in cells])
                except ValueError as error:
                    if rows or reader.line_num > 1:
                        raise DataError(f"{path}, line {reader.line_num}: {error}") from error
                    continue
                if len(cells) != width:
                    raise DataError(
                        f"{path}, line {reader.line_num}: has {len(cells)} columns, the model takes {width}"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file: {error}") from error
    if not rows:
        raise DataError(f"{path}: has no rows")
    return finite(path, torch.tensor(rows, dtype=torch.float64)).float().view(len(rows), *in_shape)
