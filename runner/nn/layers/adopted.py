"""Modules of ``torch.nn`` as layers: their parameters and buffers move into the store."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.overrides import TorchFunctionMode

from runner.nn.layers.layer import ShapeError
from runner.nn.store import Address, Fill, ParameterStore, Scope
from runner.types import Shape

PREFIX = "torch.nn."

NOT_THE_CONFIGS = ("self", "device", "dtype")
"""Arguments of a module that are the program's."""

DRAWING = (Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_, Tensor.exponential_, torch.rand, torch.randn)
"""Operators with which modules draw their first values."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
"""What takes means over a batch, and refuses one value a channel."""

ROWS = 2
"""Samples in the batch that shows which shape a module gives."""


class Adopted:
    """A module of ``torch.nn``, its own initial values included, that takes and gives one tensor.

    What the module draws at random comes from torch's own generator of the device: in a sweep from one that
    all jobs share.

    Args:
        scope: where its parameters and buffers are allocated, under the module's names for them.
        in_shape: any that the module takes.
        module: its class.
        arguments: for the class.

    Raises:
        ShapeError: if the class will not take the arguments, or the module what arrives.

    Attributes:
        is_batch_norm: whether the module takes means over a batch; one of a single value a channel then goes
            through it as in evaluation.
    """

    def __init__(
        self, scope: Scope, in_shape: Shape, *, module: type[nn.Module], arguments: Mapping[str, Any]
    ) -> None:
        told = f"torch.nn.{module.__name__}"
        try:
            with torch.device("meta"):
                self._module = module(**arguments)
        except (TypeError, ValueError, RuntimeError, AssertionError) as error:
            raise ShapeError(
                f"{told} refuses its arguments ({first_line(error)}); it gets {list(in_shape)}"
            ) from error
        self.is_batch_norm = isinstance(self._module, BATCH_NORMS)
        self._addresses: dict[str, Address] = {}
        first = FirstValues(module, arguments)
        trained = dict(self._module.named_parameters())
        for name, value in (trained | dict(self._module.named_buffers())).items():
            self._addresses[name] = scope.store.allocate(
                scope.full(name), value.shape, first.fill(name), trained=name in trained
            )
        self.out_shape: Shape = self._shape_for(in_shape, told)

    def _shape_for(self, in_shape: Shape, told: str) -> Shape:
        batch = torch.empty(ROWS, *in_shape, device="meta")
        try:
            given = self._module(batch)
        except Exception as error:  # torch's modules raise all kinds, some of their own
            raise ShapeError(f"{told} cannot take {list(in_shape)} ({first_line(error)})") from error
        if not isinstance(given, Tensor) or given.dim() == 0 or len(given) != ROWS:
            what = list(given.shape) if isinstance(given, Tensor) else f"a {type(given).__name__}"
            raise ShapeError(f"{told} gives no batch but {what} for {ROWS} samples of {list(in_shape)}")
        return tuple(given.shape[1:])

    def forward(self, store: ParameterStore, x: Tensor) -> Tensor:
        """``[N, *in_shape]`` to ``[N, *out_shape]``."""
        training = store.training
        if training and self.is_batch_norm:
            training = x.numel() > x.shape[1]  # else there is one value a channel, as in ``BatchNorm``
        if self._module.training != training:
            self._module.train(training)
        entries = {name: store[address] for name, address in self._addresses.items()}
        output: Tensor = torch.func.functional_call(self._module, entries, (x,))
        return output


class FirstValues:
    """What a module's class gives its parameters and buffers, drawn when the first of them is wanted."""

    def __init__(self, module: type[nn.Module], arguments: Mapping[str, Any]) -> None:
        self._module, self._arguments = module, arguments
        self._values: dict[str, Tensor] | None = None

    def fill(self, name: str) -> Fill:
        """What fills the entry called ``name``."""

        def fill(entry: Tensor, generator: torch.Generator) -> None:
            if self._values is None:
                with DrawFrom(generator):
                    module = self._module(**self._arguments)
                self._values = dict(module.named_parameters()) | dict(module.named_buffers())
            with torch.no_grad():
                entry.copy_(self._values[name])

        return fill


class DrawFrom(TorchFunctionMode):
    """A context in which what torch's initialisers draw comes from a generator, in this thread alone."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self._generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func in DRAWING or "generator" in given:
            given["generator"] = self._generator
        return func(*args, **given)


def find_module(name: str) -> type[nn.Module] | None:
    """The class called ``torch.nn.<name>``, and nothing else that can be reached from there.

    Those whose signatures say nothing (containers, recurrent modules) or whose sizes are not known are none:
    ``sequential``, ``lstm`` are.
    """
    found = getattr(nn, name, None)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        return None
    if issubclass(found, LazyModuleMixin) or not found.__module__.startswith("torch.nn.modules."):
        return None  # a lazy one's sizes are not there before data is
    if found.forward is nn.Module.forward:
        return None  # it computes nothing
    kinds = [parameter.kind for parameter in signature(found).parameters.values()]
    takes_nothing = found.__init__ is nn.Module.__init__  # which would take anything, to refuse it
    return found if takes_nothing or Parameter.VAR_POSITIONAL not in kinds else None


def module_names() -> list[str]:
    """All that ``find_module`` finds."""
    return [name for name in dir(nn) if find_module(name)]


def arguments_of(module: type[nn.Module]) -> dict[str, bool]:
    """What a config may say of a module, and whether it has to."""
    parameters = signature(module.__init__).parameters.values()
    named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return {
        p.name: p.default is Parameter.empty
        for p in parameters
        if p.kind in named and p.name not in NOT_THE_CONFIGS
    }


def first_line(error: Exception) -> str:
    """What an exception says, in a line."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
