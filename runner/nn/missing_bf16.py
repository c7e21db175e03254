"""Operators that a machine has no bfloat16 form of: they compute in float32 there.

oneDNN has an LSTM in bfloat16 for CPUs with AVX-512 alone; elsewhere torch raises when it is called. So each
kind of XX
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  torch's own name for it
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map_only

log = logging.getLogger(__name__)


def recurrent(call: Callable[..., Any], gates: int, states: int) -> Callable[[Tensor], Any]:
    """A call of one of torch's recurrent operators on a short sequence."""

    def probe(x: Tensor) -> Any:
        weights = [x.new_zeros(gates * 8, width, requires_grad=True) for width in (8, 8)]
        start = [x.new_zeros(1, 2, 8)] * states
        return call(x, start if states > 1 else start[0], weights, False, 1, 0.0, True, False, True)[0]

    return probe


PROBES: Mapping[tuple[str, ...], Callable[[Tensor], Tensor]] = {
    ("lstm",): recurrent(torch.lstm, 4, 2),
    ("gru",): recurrent(torch.gru, 3, 1),
    ("rnn_tanh",): recurrent(torch.rnn_tanh, 1, 1),
    ("rnn_relu",): recurrent(torch.rnn_relu, 1, 1),
    ("linear", "matmul", "__matmul__", "mm", "bmm", "addmm", "baddbmm"): lambda x: x @ x.transpose(1, 2),
    ("conv1d",): lambda x: F.conv1d(x, x.new_zeros(2, 8, 3)),
    ("conv2d",): lambda x: F.conv2d(x.unsqueeze(1), x.new_zeros(2, 1, 3, 3)),
    ("conv3d",): lambda x: F.conv3d(x.view(2, 1, 2, 4, 8), x.new_zeros(2, 1, 2, 2, 2)),
    ("conv_transpose1d",): lambda x: F.conv_transpose1d(x, x.new_zeros(8, 2, 3)),
    ("conv_transpose2d",): lambda x: F.conv_transpose2d(x.unsqueeze(1), x.new_zeros(1, 2, 3, 3)),
    ("conv_transpose3d",): lambda x: F.conv_transpose3d(x.view(2, 1, 2, 4, 8), x.new_zeros(1, 2, 2, 2, 2)),
    ("scaled_dot_product_attention",): lambda x: F.scaled_dot_product_attention(x, x, x),
}
"""A small call of each kind of operator that autocast turns to bfloat16, by torch's names for the kind."""


KINDS = {name: kind for kind in PROBES for name in kind}


@cache
def obstacle(kind: tuple[str, ...]) -> str | None:
    """What torch says where a kind can't be called in bfloat16, or its gradient can't be had.

    It is tried in a thread of its own, where nothing is recorded, stacked or without gradients.
    """
    with ThreadPoolExecutor(1) as own_thread:
        return own_thread.submit(refusal, PROBES[kind]).result()


def refusal(probe: Callable[[Tensor], Tensor]) -> str | None:
    """What torch says of a call in bfloat16 that it refuses."""
    x = torch.zeros(2, 8, 8, device="cpu", dtype=torch.float32, requires_grad=True)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            output = probe(x)
        torch.autograd.grad(output.float().sum(), x, allow_unused=True)
    except (RuntimeError, NotImplementedError) as error:
        return str(error).partition("\n")[0]
    return None


class Float32ForMissing(TorchFunctionMode):
    """A context in which those operators compute in float32 whatever autocast would have."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kind = KINDS.get(getattr(func, "__name__", ""))
        if kind is None or obstacle(kind) is None:
            return func(*args, **(kwargs or {}))
        warn(kind[0])
        with torch.autocast("cpu", enabled=False):
            args, kwargs = tree_map_only(Tensor, in_float32, (args, dict(kwargs or {})))
            return func(*args, **kwargs)


def in_float32(tensor: Tensor) -> Tensor:
    """A tensor of bfloat16 as float32; others as they are."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


@cache
def warn(name: str) -> None:
    """Say once that an operator computes in float32."""
    log.warning("train.precision: %s has no bfloat16 form on this CPU, it computes in float32", name)
