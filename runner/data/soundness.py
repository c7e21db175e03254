"""What a data set has to be before anything learns from it, whatever source it comes from."""

from collections.abc import Callable

import torch
from torch import Tensor

from runner.data.dataset import Dataset, Source, Split
from runner.data.pieces import nothing, pieces
from runner.errors import DataError


def first_not_finite(values: Tensor, let_go: Callable[[], None] = nothing) -> int | None:
    """The first of the samples ``[N, …]`` with a value that is no number in float32; None if there is none.

    Args:
        values: of any type.
        let_go: called after each piece, of values that lie in a file.
    """
    if not values.is_floating_point() or not values.numel():
        return None
    first = 0
    for piece in pieces(values, let_go):
        sound = piece.to(torch.float32).reshape(len(piece), -1).isfinite().all(1)
        if not sound.all():
            return first + int((~sound).nonzero()[0])
        first += len(piece)
    return None


def first_not_binary(values: Tensor, let_go: Callable[[], None] = nothing) -> int | None:
    """The first of the targets ``[N, …]`` with a value that is neither 0 nor 1; None if there is none."""
    first = 0
    for piece in pieces(values, let_go):
        binary = ((piece == 0) | (piece == 1)).reshape(len(piece), -1).all(1)
        if not binary.all():
            return first + int((~binary).nonzero()[0])
        first += len(piece)
    return None


def refuse_unsound(name: str, source: Source, data: Dataset) -> None:
    """Hold a source to what it promises; files of arrays have been looked at by who has mapped them.

    Raises:
        DataError: if a part is empty, of other shapes than told, of unknown classes, or not finite.
    """
    for part, split in (("train/", data.train), *data.held_out):
        if (problem := problem_in(split, source)) is not None:
            raise DataError(f"data={name}: of its {part.removesuffix('/')} part {problem}")


def problem_in(split: Split, source: Source) -> str | None:
    """What is wrong with a part, if anything is."""
    if not len(split):
        return "nothing is there"
    if len(split.samples) != len(split.targets):
        return f"there are {len(split.samples)} inputs, but {len(split.targets)} targets"
    if tuple(split.samples.shape[1:]) != source.in_shape:
        return f"the inputs are {list(split.samples.shape[1:])}, not {list(source.in_shape)}"
    if split.task == "multilabel" and (place := first_not_binary(split.targets)) is not None:
        return f"the labels of sample {place} are not all 0 or 1"
    if split.mapped or split.in_order:  # windows overlap: what they are cut from has been looked at
        return None
    for what, values in (("input", split.samples), ("target", split.targets)):
        if (place := first_not_finite(values)) is not None:
            return f"the {what} of sample {place} is not finite: NaN, or too large for float32"
    if split.task == "classification":
        low, high = split.targets.aminmax()
        if low < 0 or high >= source.out_shape[-1]:
            return f"the classes are {low} to {high}, not 0 to {source.out_shape[-1] - 1}"
    return None
