"""What torch's own tests of its modules feed them with; run, it saves that into the file it is given.

It runs in a process of its own: the private module that holds these samples changes how torch behaves.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Sample:
    """Arguments of a module that are not its defaults, and inputs ``[N, …]`` or more than that."""

    module: str
    arguments: dict[str, Any]
    inputs: list[Any]
    told: str


def arguments_of(module: type[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """By name, but for those that say what would be so anyway."""
    parameters = signature(module.__init__).parameters
    if any(p.kind is Parameter.VAR_POSITIONAL for p in parameters.values()):  # recurrent modules
        named = {**dict(zip(("input_size", "hidden_size", "num_layers"), args, strict=False)), **kwargs}
    else:
        named = {**dict(zip(list(parameters)[1:], args, strict=False)), **kwargs}
    return {
        name: value
        for name, value in named.items()
        if name not in ("device", "dtype")
        and (
            name not in parameters
            or parameters[name].default is Parameter.empty
            or parameters[name].default != value
        )
    }


def from_torch(names: Sequence[str]) -> list[Sample]:
    """All samples of some modules."""
    from torch.testing._internal.common_modules import module_db

    found = []
    for info in module_db:
        name = info.module_cls.__name__
        if name not in names:
            continue
        for given in info.module_inputs_func(
            info, device="cpu", dtype=torch.float64, requires_grad=False, training=True
        ):
            made, called = given.constructor_input, given.forward_input
            if called is not None:
                inputs = [each for each in (*called.args, *called.kwargs.values()) if each is not None]
                arguments = arguments_of(info.module_cls, made.args, made.kwargs)
                found.append(Sample(name, arguments, inputs, given.desc))
    return found


if __name__ == "__main__":
    torch.manual_seed(0)
    file, *names = sys.argv[1:]
    torch.save([vars(sample) for sample in from_torch(names)], file)
