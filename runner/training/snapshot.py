"""What training goes on from, taken between two epochs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Snapshot:
    """The state of a training after so many epochs; training that is given it back goes on to the same bits.

    Attributes:
        epoch: how many epochs are over.
        tensors: parameters, the rule's state, random states, by name; copies, wherever training is.
        values: what is no tensor, as JSON has it.
    """

    epoch: int
    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with a prefix before their names."""
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def within(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose names begin with a prefix, by what comes after it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
