"""Writing down which operators a function calls, while it runs.

Layers and losses are plain torch; what a training step comes down to, backward pass included, is a few
dozen calls of operators on tensors. A ``Recorder`` sees each of them below autograd, at the point where
torch hands an operator to its kernel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class NotCapturableError(Exception):
    """A function cannot be replayed from a record; the message says why."""


@dataclass(frozen=True)
class Call:
    """One operator with what it was given and the tensors that it returned."""

    operator: OpOverload
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: Sequence[Tensor | None]

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor among the arguments."""
        return [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, Tensor)]

    @property
    def writes(self) -> bool:
        """Whether the operator changes one of its arguments."""
        return self.operator._schema.is_mutable

    @property
    def fresh(self) -> list[Tensor]:
        """The results in memory of their own; a view of an argument is none."""
        known = {storage_of(tensor) for tensor in self.tensors}
        return [result for result in self.results if result is not None and storage_of(result) not in known]


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # its __init_subclass__
    """A context that lists the operators called in it, in ``calls``.

    Raises:
        NotCapturableError: from within, where a value is read back from a tensor (``.item()``) or a shape
            depends on one (``nonzero``): another batch could then ask for other calls.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []

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
        if torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags:
            raise NotCapturableError(f"{func} depends on the values of a batch")
        result = func(*args, **(kwargs or {}))
        results = result if isinstance(result, tuple | list) else (result,)
        if all(isinstance(r, Tensor | None) for r in results):
            self.calls.append(Call(func, args, kwargs or {}, results))
            return result
        raise NotCapturableError(f"{func} returns something else than tensors")


def storage_of(tensor: Tensor) -> int:
    """What tensors that share memory have in common; no other has it as long as one of them lives."""
    return int(tensor.untyped_storage()._cdata)
