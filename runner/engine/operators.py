"""What is known of torch's operators: which of them write where they are told, and how they are called."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from runner.engine.recording import Call

aten = torch.ops.aten

DIRECT: Mapping[OpOverload, Callable[..., Any]] = {
    aten.mm.out: torch.mm,
    aten.addmm.out: torch.addmm,
    aten._log_softmax.out: torch._log_softmax,
    aten._log_softmax_backward_data.out: torch._log_softmax_backward_data,
    aten.sum.IntList_out: torch.sum,
    aten.argmax.out: torch.argmax,
    aten.eq.Tensor_out: torch.eq,
    aten.bmm.out: torch.bmm,
    aten.add.out: torch.add,
    aten.mul.Scalar_out: torch.mul,
    aten.relu_.default: torch.relu_,
    aten.add_.Tensor: Tensor.add_,
    aten.mul_.Scalar: Tensor.mul_,
}
"""Torch's own doors to the commonest operators: about 0.9 us a call, where the general one takes 1.9."""

PLACED = {
    aten.mm.default,
    aten.addmm.default,
    aten.bmm.default,
    aten.baddbmm.default,
    aten._log_softmax.default,
    aten._log_softmax_backward_data.default,
    aten._softmax.default,
    aten._softmax_backward_data.default,
    aten.nll_loss_forward.default,
    aten.nll_loss_backward.default,
    aten.mse_loss_backward.default,
    aten.max_pool2d_with_indices.default,
    aten.max_pool2d_with_indices_backward.default,
    aten.sum.dim_IntList,
    aten.mean.dim,
    aten.argmax.default,
    aten.max.dim,
    aten.gather.default,
    aten.scatter_add.default,
    aten.cat.default,
}
"""Operators that write a result of known shape where they are told, beside all elementwise ones."""

CLONES = (aten.clone.default, aten._to_copy.default)
"""What ``copy_`` does without fresh memory."""


CONSTANT = {
    aten.ones_like.default,
    aten.zeros_like.default,
    aten.new_zeros.default,
    aten.zeros.default,
    aten.full.default,
    aten.scalar_tensor.default,
    aten.full_like.default,
}
"""Operators that give the same in every run; nobody writing over it, that of the recording serves."""


def takes_place(call: Call) -> bool:
    """Whether a call's results can be put somewhere."""
    puts = call.operator in CLONES or out_variant(call.operator) is not None
    return puts and not call.writes and 0 < len(call.fresh) == len(call.results)


@dataclass(frozen=True)
class OutVariant:
    """An operator's twin that writes into given tensors, and what those arguments are called."""

    operator: OpOverload
    outs: tuple[str, ...]


@cache
def out_variant(operator: OpOverload) -> OutVariant | None:
    """The twin, if it writes where it is told: others compute in fresh memory and copy, or resize."""
    if torch.Tag.pointwise not in operator.tags and operator not in PLACED:
        return None
    wanted = signature_of(operator)
    for name in operator.overloadpacket.overloads():
        candidate = getattr(operator.overloadpacket, name)
        outs = tuple(argument.name for argument in candidate._schema.arguments if argument.is_out)
        if not outs or signature_of(candidate) != wanted:
            continue
        if candidate in DIRECT or torch._C._dispatch_has_kernel_for_dispatch_key(candidate.name(), "CPU"):
            return OutVariant(candidate, outs)
    return None


@cache
def in_place_variant(operator: OpOverload) -> OpOverload | None:
    """The twin that writes over its first argument: ``relu_`` for ``relu``."""
    packet = getattr(aten, f"{operator.overloadpacket.__name__}_", None)
    variant = getattr(packet, operator._overloadname, None)
    return variant if variant and signature_of(variant) == signature_of(operator) else None


def signature_of(operator: OpOverload) -> list[tuple[str, str]]:
    """Names and types of an operator's arguments, those that it writes into left out."""
    return [(a.name, str(a.type)) for a in operator._schema.arguments if not a.is_out]
