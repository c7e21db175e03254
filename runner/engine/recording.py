"""Writing down which operators a function calls, while it runs.

Layers and losses are plain torch; what a training step comes down to, backward pass included, is a few
dozen calls of operators on tensors. A ``Recorder`` sees each of them below autograd, at the point where
torch hands an operator to its kernel.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Call:
    """One operator with what it was given and the tensors that it returned."""

    operator: OpOverload
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: Sequence[Tensor | None]

    @cached_property
    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments."""
        return [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Tensor)]

    @property
    def writes(self) -> bool:
        """Whether the operator changes one of its arguments."""
        return self.operator._schema.is_mutable

    @cached_property
    def written(self) -> list[Tensor]:
        """Every tensor among the arguments that the operator changes."""
        places = self.operator._schema.arguments
        given = dict(zip((place.name for place in places), self.args, strict=False)) | dict(self.kwargs)
        changed = [place.name for place in places if place.alias_info and place.alias_info.is_write]
        return [
            leaf
            for leaf in tree_leaves([given[name] for name in changed if name in given])
            if isinstance(leaf, Tensor)
        ]

    @property
    def fresh(self) -> list[Tensor]:
        """The results in memory of their own; a view of an argument is none."""
        known = {storage_of(tensor) for tensor in self.tensors}
        return [result for result in self.results if result is not None and storage_of(result) not in known]


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """A context that lists the operators called in it.

    Attributes:
        calls: the operators, in order.
        obstacle: why they would not do the same for other values; None if they would.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []
        self.obstacle: str | None = None

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its whole compiler, more than a second, to switch it off

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        call = Call(func, args, kwargs or {}, ())
        tensors = call.tensors
        shapes = [tensor.shape for tensor in tensors]
        result = func(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple | list) else (result,)
        if torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags:
            self.obstacle = f"{func} depends on the values of a batch"
        elif not all(isinstance(result, Tensor | None) for result in results):
            self.obstacle = f"{func} returns something else than tensors"
        elif torch.Tag.inplace_view in func.tags or shapes != [tensor.shape for tensor in tensors]:
            self.obstacle = f"{func} changes the shape of a tensor in place"
        elif not all(is_plain(tensor) for tensor in (*tensors, *results) if tensor is not None):
            self.obstacle = f"{func} works on tensors that are not plain memory"
        self.calls.append(Call(func, args, kwargs or {}, results))
        return result


class PythonReads(TorchFunctionMode):
    """A context that notes where Python reads a tensor's values behind the operators' back."""

    NAMES = ("tolist", "numpy", "__array__", "__dlpack__")

    def __init__(self) -> None:
        super().__init__()
        self.obstacle: str | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in self.NAMES:
            self.obstacle = f"{name} depends on the values of a batch"
        return func(*args, **(kwargs or {}))


def record(function: Callable[..., None], *inputs: Tensor) -> tuple[list[Call], str | None]:
    """Call a function; gives the operators that it called, and why they cannot stand for it, if so."""
    recorder, reads = Recorder(), PythonReads()
    with reads, recorder:
        function(*inputs)
    return recorder.calls, recorder.obstacle or reads.obstacle or changed_literal(recorder.calls)


def changed_literal(calls: Sequence[Call]) -> str | None:
    """Whether a tensor that Python wrote down, ``torch.tensor([0.0])``, is changed afterwards."""
    literals = {
        storage_of(tensor)
        for call in calls
        if call.operator is torch.ops.aten.lift_fresh.default
        for tensor in call.tensors
    }
    if any(storage_of(tensor) in literals for call in calls for tensor in call.written):
        return "a tensor made from Python's numbers is changed in place"
    return None


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is a strided view of real numbers in memory, and nothing else."""
    return tensor.layout is torch.strided and not (
        tensor.is_complex() or tensor.is_neg() or tensor.is_quantized
    )


def storage_of(tensor: Tensor) -> int:
    """What tensors that share memory have in common; no other has it as long as one of them lives."""
    return int(tensor.untyped_storage()._cdata)
