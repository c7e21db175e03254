"""One central store for every parameter of a model; a layer keeps only addresses into it.

While a model is being built, its layers allocate: each gets an ``Address`` back, a name and a slice that
is not there yet. ``seal`` then makes one contiguous buffer for all parameters and one for their gradients,
draws the initial values, and turns every address into a view of the two. What a layer keeps but no gradient
trains, such as running statistics, lies in a third.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor

Fill = Callable[[Tensor, torch.Generator], None]
"""Draws a parameter's initial value in place, with the given generator."""


@dataclass(frozen=True)
class Address:
    """Where an entry lies: its name (``l1.W``), its place among all, its slice and shape.

    ``trained`` says whether it is a parameter; else it lies among the buffers.
    """

    name: str
    index: int
    offset: int
    shape: tuple[int, ...]
    trained: bool = True

    @property
    def size(self) -> int:
        """The number of values at this address."""
        return prod(self.shape)


class ParameterStore:
    """All parameters of a model in one buffer ``[P]``, their gradients in another of the same shape.

    ``store[address]`` is the parameter as autograd's leaf, a view of ``params``; its ``.grad`` is a view
    of ``grads``, the one buffer that the update rule reads. Entries that no gradient trains are views of
    ``buffers`` ``[B]``; a layer changes them in place.

    Attributes:
        training: whether layers are to learn, which some then do otherwise (dropout). A store begins so, as
            torch's modules do; that of a run, or of a loaded model, is so within ``learning`` alone.
        generator: what such layers draw from; torch's own for the device if that is None.
        average: the parameters' moving average, if one is kept.
    """

    params: Tensor
    grads: Tensor
    buffers: Tensor

    def __init__(self) -> None:
        self._fills: list[Fill] = []
        self._entries: list[Tensor] = []
        self.addresses: dict[str, Address] = {}
        self.size = self.buffers_size = 0
        self.training = True
        self.average: Tensor | None = None
        self._decay = 0.0
        self._remembered: tuple[Tensor, Tensor] | None = None
        self.generator: torch.Generator | None = None

    def allocate(self, name: str, shape: Sequence[int], fill: Fill, trained: bool = True) -> Address:
        """Reserve room for a parameter, or for an entry that is not trained, and return its address.

        Raises:
            ValueError: if the name is taken or the store is sealed.
        """
        if self.sealed:
            raise ValueError(f"{name}: the store is sealed, parameters are allocated while a model is built")
        if name in self.addresses:
            raise ValueError(f"{name}: a parameter of this name is in the store already")
        offset = self.size if trained else self.buffers_size
        address = Address(name, len(self.addresses), offset, tuple(shape), trained)
        self.addresses[name] = address
        self._fills.append(fill)
        if trained:
            self.size += address.size
        else:
            self.buffers_size += address.size
        return address

    def scope(self, name: str = "") -> "Scope":
        """A view of the store that allocates under ``name``: ``W`` becomes ``name.W``."""
        return Scope(self, name)

    def _set_buffers(self, values: Tensor) -> None:
        self.buffers.copy_(values)

    @contextmanager
    def learning(self) -> Iterator[None]:
        """The context in which the model is trained: layers draw, and take their batch's statistics."""
        before, self.training = self.training, True
        try:
            yield
        finally:
            self.training = before

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """The context in which the model only predicts, with averaged parameters if there are any."""
        before, self.training = self.training, False
        raw = None
        if self.average is not None:
            raw = self.params.clone()
            self.params.copy_(self.average)
        try:
            yield
        finally:
            self.training = before
            if raw is not None:
                self.params.copy_(raw)

    def keep_average(self, decay: float) -> None:
        """Keep an exponential moving average of the parameters, from now on."""
        self.average, self._decay = self.params.clone(), decay

    @torch.no_grad()
    def update_average(self) -> None:
        """Count the present parameters in: ``a = decay a + (1 - decay) p``."""
        if self.average is not None:
            self.average.lerp_(self.params, 1 - self._decay)

    @torch.no_grad()
    def remember(self, rows: Sequence[int] | slice = slice(None)) -> None:
        """Keep what has been learnt so far, until something better comes: of a stack some rows."""
        learnt = self.params if self.average is None else self.average
        if self._remembered is None:
            self._remembered = learnt.clone(), self.buffers.clone()
        for kept, now in zip(self._remembered, (learnt, self.buffers), strict=True):
            kept[rows] = now[rows]

    def settle(self) -> None:
        """End the training: what was remembered last, else an average, is what has been learnt."""
        if self._remembered is not None:
            params, buffers = self._remembered
            self.params.copy_(params)
            self._set_buffers(buffers)
        elif self.average is not None:
            self.params.copy_(self.average)
        self.average = self._remembered = None
        self.training = False

    def snapshot(self) -> dict[str, Tensor]:
        """Copies of all values: ``restore`` takes what this gives."""
        values = {"params": self.params.clone(), "buffers": self.buffers.clone()}
        if self.average is not None:
            values["average"] = self.average.clone()
        if self._remembered is not None:
            params, buffers = self._remembered
            values |= {"kept.params": params.clone(), "kept.buffers": buffers.clone()}
        return values

    @torch.no_grad()
    def restore(self, values: Mapping[str, Tensor]) -> None:
        """Go back to values that ``snapshot`` gave; what layers and steps hold stays where it is.

        Raises:
            ValueError: if they are those of another model.
        """
        expected = {"params": self.params.shape, "buffers": self.buffers.shape}
        if self.average is not None:
            expected["average"] = self.params.shape
        for name, shape in expected.items():
            if name not in values or values[name].shape != shape:
                found = list(values[name].shape) if name in values else "nothing"
                raise ValueError(f"{name}: expects {list(shape)}, gets {found}")
        self.params.copy_(values["params"])
        self._set_buffers(values["buffers"])
        if self.average is not None:
            self.average.copy_(values["average"])
        kept = [values[name] for name in ("kept.params", "kept.buffers") if name in values]
        self._remembered = (kept[0].to(self.params), kept[1].to(self.buffers)) if len(kept) == 2 else None

    def seed_noise(self, seed: int) -> None:
        """Let layers that draw at random begin anew from a seed."""
        if self.params.device.type == "cpu":
            self.generator = self.generator or torch.Generator()
            self.generator.manual_seed(seed)
        else:
            torch.cuda.manual_seed(seed)

    @property
    def sealed(self) -> bool:
        """Whether the buffers exist."""
        return hasattr(self, "params")

    def seal(
        self,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Make the two buffers and draw the initial values, in the order of allocation.

        The values are drawn on the CPU wherever the store goes, so that a seed means the same model on
        every device.

        Args:
            generator: a CPU generator; the only source of randomness.
            device: where the buffers live.
            dtype: the type of both buffers.

        Raises:
            ValueError: if the store is sealed already.
            MemoryError: if there is no room for that many parameters.
        """
        if self.sealed:
            raise ValueError("the store is sealed already")
        try:
            params = torch.zeros(self.size, dtype=dtype)
            buffers = torch.zeros(self.buffers_size, dtype=dtype)
        except (RuntimeError, TypeError) as error:  # torch has no narrower type for it on the CPU
            raise MemoryError(f"no room for {self.size:,} parameters") from error
        for address, fill in zip(self.addresses.values(), self._fills, strict=True):
            fill(self._slice(params if address.trained else buffers, address), generator)
        self._fills.clear()  # which may hold values
        self._lay_out(params.to(device), buffers.to(device))

    def _lay_out(self, params: Tensor, buffers: Tensor) -> None:
        self.params, self.grads, self.buffers = params, torch.zeros_like(params), buffers
        self._entries = [self._entry(address) for address in self.addresses.values()]

    def _entry(self, address: Address) -> Tensor:
        if not address.trained:
            # each with a version counter of its own: autograd would take a change of one for a change of all
            return self._slice(self.buffers, address).data
        leaf = self._slice(self.params, address).detach().requires_grad_()
        leaf.grad = self._slice(self.grads, address)
        return leaf

    @property
    def _trained(self) -> list[Address]:
        return [address for address in self.addresses.values() if address.trained]

    def __getitem__(self, address: Address) -> Tensor:
        """The entry at ``address``, of the address's shape."""
        return self._entries[address.index]

    def backward(self, loss: Tensor) -> None:
        """Write the gradient of ``loss``, a scalar, by every parameter into ``grads``.

        Where torch's own ``loss.backward()`` adds to gradients that have to be cleared before, this writes
        each once, whatever was there; a parameter that ``loss`` does not depend on gets 0.
        """
        trained = self._trained
        leaves = [self._entries[address.index] for address in trained]
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
        slices = [self._slice(self.grads, address) for address in trained]
        with torch.no_grad():
            torch._foreach_copy_(slices, gradients)

    def zero_grads(self) -> None:
        """Clear every gradient in one pass, for those who let torch's ``backward`` add to them."""
        self.grads.zero_()

    def named_parameters(self) -> dict[str, Tensor]:
        """Each parameter by name, as a view without gradient."""
        return {address.name: self._slice(self.params, address) for address in self._trained}

    def named_gradients(self) -> dict[str, Tensor]:
        """The gradient by each parameter, by the parameter's name."""
        return {address.name: self._slice(self.grads, address) for address in self._trained}

    def state_dict(self) -> dict[str, Tensor]:
        """Each entry by name, trained or not, as a view without gradient (``load`` takes what this gives)."""
        return {name: self._value(address) for name, address in self.addresses.items()}

    def _value(self, address: Address) -> Tensor:
        return self._slice(self.params if address.trained else self.buffers, address)

    @torch.no_grad()
    def load(self, values: dict[str, Tensor]) -> None:
        """Copy values in by name.

        Raises:
            ValueError: if names are missing or unknown, or a shape differs.
        """
        if values.keys() != self.addresses.keys():
            differing = sorted(values.keys() ^ self.addresses.keys())
            raise ValueError(f"names that are not on both sides: {', '.join(differing)}")
        for name, address in self.addresses.items():
            if tuple(values[name].shape) != address.shape:
                raise ValueError(f"{name}: has shape {address.shape}, got {tuple(values[name].shape)}")
            self._value(address).copy_(values[name])

    @staticmethod
    def _slice(buffer: Tensor, address: Address) -> Tensor:
        part = buffer[..., address.offset : address.offset + address.size]
        return part.view((*buffer.shape[:-1], *address.shape))


@dataclass(frozen=True)
class Scope:
    """A part of a store's names, handed to one layer.

    Attributes:
        store: the store.
        name: what the part's names begin with; empty for all of them.
        built: the layers of the whole model that are built already, by name, with their input shapes.
    """

    store: ParameterStore
    name: str
    built: dict[str, tuple[Any, tuple[int, ...]]] = field(default_factory=dict)

    def allocate(self, name: str, shape: Sequence[int], fill: Fill) -> Address:
        """Reserve room for the parameter ``<scope>.<name>``; see ``ParameterStore.allocate``."""
        return self.store.allocate(self.full(name), shape, fill)

    def allocate_buffer(self, name: str, shape: Sequence[int], value: float) -> Address:
        """Reserve room for ``<scope>.<name>``, which no gradient trains and which begins as ``value``."""

        def fill(entry: Tensor, _: torch.Generator) -> None:
            entry.fill_(value)

        return self.store.allocate(self.full(name), shape, fill, trained=False)

    def scope(self, name: str) -> "Scope":
        """The part ``<scope>.<name>``."""
        return Scope(self.store, self.full(name), self.built)

    def full(self, name: str) -> str:
        """A name of this part as the store has it."""
        return f"{self.name}.{name}" if self.name else name
