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
        self.generator, self.training = like.generator, like.training
        self._lay_out(params, buffers)

    def __len__(self) -> int:
        return len(self.params)

    def _lay_out(self, params: Tensor, buffers: Tensor) -> None:
        """Each buffer in one piece: torch's operators copy others, and would change the copy."""
        self._apart = {
            address.index: self._slice(buffers, address).clone(memory_format=torch.contiguous_format)
            for address in self.addresses.values()
            if not address.trained
        }
        super()._lay_out(params, buffers)

    def _entry(self, address: Address) -> Tensor:
        """Entries are ``[K, *shape]``; autograd's leaves among them have no ``.grad``."""
        value = self._value(address)
        return value.detach().requires_grad_() if address.trained else value

    def _value(self, address: Address) -> Tensor:
        return super()._value(address) if address.trained else self._apart[address.index]

    @property
    def buffers(self) -> Tensor:
        """All members' entries that are not trained ``[K, B]``, gathered for the one who asks."""
        return torch.cat([each.reshape(len(each), -1) for each in [self._none, *self._apart.values()]], dim=1)

    @buffers.setter
    def buffers(self, values: Tensor) -> None:
        self._none = values[:, :0]
        self._set_buffers(values)

    def _set_buffers(self, values: Tensor) -> None:
        for address in self.addresses.values():
            if not address.trained:
                self._apart[address.index].copy_(self._slice(values, address))

    def rows(self, rows: Sequence[int]) -> "StackedStore":
        """A stack of some of the members."""
        some = StackedStore(self, self.params[list(rows)], self.buffers[list(rows)])
        if self.average is not None:
            some.average, some._decay = self.average[list(rows)], self._decay
        if self._remembered is not None:
            params, buffers = self._remembered
            some._remembered = params[list(rows)], buffers[list(rows)]
        return some

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
    stack = StackedStore(members[0], params, torch.stack([member.buffers for member in members]))
    if members[0].average is not None:
        stack.keep_average(members[0]._decay)
    return stack
