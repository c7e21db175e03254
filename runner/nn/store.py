"""One central store for every parameter of a model; a layer keeps only addresses into it.

While a model is being built, its layers allocate: each gets an ``Address`` back, a name and a slice that
is not there yet. ``seal`` then makes one contiguous buffer for all parameters and one for their gradients,
draws the initial values, and turns every address into a view of the two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

Fill = Callable[[Tensor, torch.Generator], None]
"""Draws a parameter's initial value in place, with the given generator."""


@dataclass(frozen=True)
class Address:
    """Where a parameter lies: its name (``l1.W``), its place among the others, its slice and shape."""

    name: str
    index: int
    offset: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of values at this address."""
        return prod(self.shape)


class ParameterStore:
    """All parameters of a model in one buffer ``[P]``, their gradients in another of the same shape.

    ``store[address]`` is the parameter as autograd's leaf, a view of ``params``; its ``.grad`` is a view
    of ``grads``, the one buffer that the update rule reads.
    """

    params: Tensor
    grads: Tensor

    def __init__(self) -> None:
        self._fills: list[Fill] = []
        self._leaves: list[Tensor] = []
        self.addresses: dict[str, Address] = {}
        self.size = 0

    def allocate(self, name: str, shape: Sequence[int], fill: Fill) -> Address:
        """Reserve room for a parameter and return its address.

        Raises:
            ValueError: if the name is taken or the store is sealed.
        """
        if self.sealed:
            raise ValueError(f"{name}: the store is sealed, parameters are allocated while a model is built")
        if name in self.addresses:
            raise ValueError(f"{name}: a parameter of this name is in the store already")
        address = Address(name, len(self.addresses), self.size, tuple(shape))
        self.addresses[name] = address
        self._fills.append(fill)
        self.size += address.size
        return address

    def scope(self, name: str) -> "Scope":
        """A view of the store that allocates under ``name``: ``W`` becomes ``name.W``."""
        return Scope(self, name)

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
        except (RuntimeError, TypeError) as error:  # torch has no narrower type for it on the CPU
            raise MemoryError(f"no room for {self.size:,} parameters") from error
        for address, fill in zip(self.addresses.values(), self._fills, strict=True):
            fill(self._slice(params, address), generator)
        self._lay_out(params.to(device))

    def _lay_out(self, params: Tensor) -> None:
        self.params, self.grads = params, torch.zeros_like(params)
        for address in self.addresses.values():
            leaf = self._slice(self.params, address).detach().requires_grad_()
            leaf.grad = self._slice(self.grads, address)
            self._leaves.append(leaf)

    def __getitem__(self, address: Address) -> Tensor:
        """The parameter at ``address``, of the address's shape."""
        return self._leaves[address.index]

    def backward(self, loss: Tensor) -> None:
        """Write the gradient of ``loss``, a scalar, by every parameter into ``grads``.

        Where torch's own ``loss.backward()`` adds to gradients that have to be cleared before, this writes
        each once, whatever was there; a parameter that ``loss`` does not depend on gets 0.
        """
        gradients = torch.autograd.grad(loss, self._leaves, allow_unused=True, materialize_grads=True)
        slices = [self._slice(self.grads, address) for address in self.addresses.values()]
        with torch.no_grad():
            torch._foreach_copy_(slices, gradients)

    def zero_grads(self) -> None:
        """Clear every gradient in one pass, for those who let torch's ``backward`` add to them."""
        self.grads.zero_()

    def named_parameters(self) -> dict[str, Tensor]:
        """Each parameter by name, as a view without gradient (``load`` takes what this gives)."""
        return {name: self._slice(self.params, address) for name, address in self.addresses.items()}

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
            self._slice(self.params, address).copy_(values[name])

    @staticmethod
    def _slice(buffer: Tensor, address: Address) -> Tensor:
        part = buffer[..., address.offset : address.offset + address.size]
        return part.view(*buffer.shape[:-1], *address.shape)


@dataclass(frozen=True)
class Scope:
    """A part of a store's names, handed to one layer."""

    store: ParameterStore
    name: str

    def allocate(self, name: str, shape: Sequence[int], fill: Fill) -> Address:
        """Reserve room for ``<scope>.<name>``; see ``ParameterStore.allocate``."""
        return self.store.allocate(f"{self.name}.{name}", shape, fill)
