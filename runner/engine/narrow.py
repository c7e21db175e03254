"""Narrow matrices, of fewer numbers a row than a vector register holds, stored column by column.

Logits of ten classes are narrow: ``[128, 10]``, or ``[16, 128, 10]`` of 16 models. Softmax goes along rows, a
register of numbers at a time, and MKL's products want their result's rows as long: they take two to
fifteen times as long as on the same numbers with columns in one piece. So what a function computes on its
way is stored that way where it is narrow, and the calls on it are put in words, transposed, that make torch
go along columns.

Sums are added up in another order then: a replay equals the function up to rounding where a matrix is
turned, and to the bit elsewhere.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from runner.engine.operators import aten, takes_place
from runner.engine.recording import Call, storage_of

VECTOR = 16
"""Numbers of 32 bits in a register of AVX-512. Rows of 16 and more gain nothing from being turned."""

ENOUGH = 64
"""Rows from which on it pays, over all matrices of a stack: fewer take as long either way."""


class Shape(NamedTuple):
    """The sizes of a matrix, or of each of a stack."""

    rows: int
    columns: int


Turned = Mapping[int, Shape]
"""The storages that are stored column by column, and the shape of the matrices in them."""

PRODUCTS = {aten.mm.default, aten.addmm.default, aten.bmm.default}

SOFTMAX = {
    aten._log_softmax.default: 1,
    aten._softmax.default: 1,
    aten._log_softmax_backward_data.default: 2,
    aten._softmax_backward_data.default: 2,
}
"""Operators along one dimension, and which of their arguments says along which."""


def turn_narrow(calls: Sequence[Call]) -> tuple[list[Call], dict[int, Shape]]:
    """Choose what is stored column by column; gives calls that compute the same, and what was chosen."""
    turned = choose(calls)
    return [put(call, turned) for call in calls], turned


def view_turned(tensor: Tensor, shape: Shape) -> tuple[int, tuple[int, ...]] | None:
    """Where a view's values lie once its memory's matrices are stored column by column.

    Gives the view's offset and strides, in numbers; None if no strides describe it, as when it has rows and
    matrices in one dimension.
    """
    rows, columns = shape
    matrix, place = divmod(int(tensor.storage_offset()), rows * columns)
    last_row, last_column = divmod(place, columns)
    offset = matrix * rows * columns + last_column * rows + last_row
    strides = []
    for size, stride in zip(tensor.size(), tensor.stride(), strict=True):
        if stride % (rows * columns) == 0:
            strides.append(stride)
        elif stride % columns == 0:
            strides.append(stride // columns)
            last_row += (size - 1) * (stride // columns)
        else:
            strides.append(stride * rows)
            last_column += (size - 1) * stride
    return (offset, tuple(strides)) if last_row < rows and last_column < columns else None


def choose(calls: Sequence[Call]) -> dict[int, Shape]:
    """The narrow results of products, and what follows from them value by value or row by row."""
    users: defaultdict[int, list[tuple[Call, Tensor]]] = defaultdict(list)
    for call in calls:
        for tensor in (*call.tensors, *call.fresh):
            users[storage_of(tensor)].append((call, tensor))
    turned: dict[int, Shape] = {}
    for call in calls:
        if takes_place(call) and (is_product(call) or follows(call, turned)):
            result = call.fresh[0]
            shape = Shape(*result.shape[-2:])
            if is_narrow(result) and all(bears(*user, result, shape) for user in users[storage_of(result)]):
                turned[storage_of(result)] = shape
    return turned


def is_product(call: Call) -> bool:
    """Whether a call is one of the products that are faster when turned."""
    return call.operator in PRODUCTS and call.fresh[0].dtype == torch.float32


def follows(call: Call, turned: Turned) -> bool:
    """Whether a call has a turned argument and a result that is best turned as well."""
    if call.operator in SOFTMAX:
        along = call.args[SOFTMAX[call.operator]]
        if along not in (-1, call.fresh[0].dim() - 1):
            return False
    elif torch.Tag.pointwise not in call.operator.tags:
        return False
    shape = call.fresh[0].shape
    return any(storage_of(tensor) in turned and tensor.shape == shape for tensor in call.tensors)


def is_narrow(result: Tensor) -> bool:
    """Whether a result consists of narrow matrices, many enough or long enough, that fill its memory."""
    if result.dim() < 2 or result.nbytes != result.untyped_storage().nbytes() or not result.is_contiguous():
        return False
    rows, columns = result.shape[-2:]
    return 0 < columns < VECTOR <= rows and result.numel() // columns >= ENOUGH


def bears(call: Call, tensor: Tensor, whole: Tensor, shape: Shape) -> bool:
    """Whether a call computes the same on a view of turned memory as on one of ``whole``.

    It would not if it laid its result out after its arguments, or drew random numbers in their order.
    """
    told_where = takes_place(call) or (call.writes and not call.fresh)
    drawn = torch.Tag.nondeterministic_seeded in call.operator.tags
    alike = tensor.dtype == whole.dtype and view_turned(tensor, shape) is not None
    return told_where and not drawn and alike


def put(call: Call, turned: Turned) -> Call:
    """A call in words that make torch go along the columns of what is turned."""
    if call.operator is aten.argmax.default:
        return as_max(call) if storage_of(call.args[0]) in turned else call
    if not call.fresh or storage_of(call.fresh[0]) not in turned:
        return call
    if call.operator is aten.bmm.default:  # mm and addmm see for themselves how their result lies
        first, second = call.args
        return replace(call, args=(transpose(second), transpose(first)), results=[transpose(call.fresh[0])])
    return along_columns(call) if call.operator in SOFTMAX else call


def as_max(call: Call) -> Call:
    """``argmax`` as the second result of ``max``: 25 us where, with columns in one piece, it takes 350."""
    if len(call.args) == 1 or call.args[1] is None:
        return call
    largest = torch.empty_like(call.fresh[0], dtype=call.args[0].dtype)
    return replace(call, operator=aten.max.dim, results=[largest, *call.results])


def along_columns(call: Call) -> Call:
    """One of the softmax family on transposed matrices; it copies a gradient that isn't turned by itself."""
    place = SOFTMAX[call.operator]
    matrices = [transpose(matrix) for matrix in call.args[:place]]
    args = (*matrices, -2, *call.args[place + 1 :])
    return replace(call, args=args, results=[transpose(call.fresh[0])])


def transpose(tensor: Tensor) -> Tensor:
    """Its matrices transposed, out of sight of autograd."""
    return tensor.detach().mT
