"""The parameters of K models of the same shape in one buffer, so that one program trains them all."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from runner.nn.store import Address, ParameterStore

Result = TypeVar("Result")


class StackedStore(ParameterStore):
    """K stores in one: parameters and gradients are ``[K, P]``, buffers ``[K, B]``, a row a member.

    A layer is written for one model. ``over_members`` calls it once for all of them; in that call
    ``store[address]`` has the address's own shape, and stands for every member's parameter.

    Args:
        like: any of the members, or another stack of them; it says what lies where.
        params: all members' parameters ``[K, P]``.
        buffers: their entries that are not trained ``[K, B]``.
    """

    def __init__(self, like: ParameterStore, params: Tensor, buffers: Tensor) -> None:
        super().__init__()
        self.addresses, self.size, self.buffers_size = like.addresses, like.size, like.buffers_size
        self.generator = like.generator
        self._lay_out(params, buffers)

    def __len__(self) -> int:
        return len(self.params)

    def _entry(self, address: Address) -> Tensor:
        """Entries are ``[K, *shape]``; autograd's leaves among them have no ``.grad``."""
        value = self._value(address)
        return value.detach().requires_grad_() if address.trained else value

    def rows(self, rows: Sequence[int]) -> "StackedStore":
        """A stack of some of the members."""
        return StackedStore(self, self.params[list(rows)], self.buffers[list(rows)])

    def over_members(self, function: Callable[..., Result], *inputs: Tensor, shared: bool = False) -> Result:
        """Call a function once for all members (``torch.vmap``).

        Args:
            function: takes one member's inputs, and finds that member's entries in this store.
            inputs: each ``[K, …]``, or one for all members if ``shared``.
            shared: whether the inputs are the same for all members.

        Returns:
            What the function returns, each tensor with a first dimension of K.

        Raises:
            RuntimeError: torch's, if an operator cannot be called for all at once.
        """
        entries = self._entries

        def member(entries_of_one: list[Tensor], *own: Tensor) -> Result:
            self._entries = entries_of_one
            try:
                return function(*own)
            finally:
                self._entries = entries

        dims = (0, *[None if shared else 0 for _ in inputs])
        called: Callable[..., Result] = torch.vmap(member, in_dims=dims, randomness="different")
        return called(entries, *inputs)


def stacked(members: Sequence[ParameterStore]) -> StackedStore:
    """A stack with copies of sealed stores' values; they have the same addresses."""
    params = torch.stack([member.params for member in members])
    return StackedStore(members[0], params, torch.stack([member.buffers for member in members]))
