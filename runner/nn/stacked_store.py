"""The parameters of K models of the same shape in one buffer, so that one program trains them all."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from runner.nn.store import ParameterStore

Result = TypeVar("Result")


class StackedStore(ParameterStore):
    """K stores in one: parameters and gradients are ``[K, P]``, a row a member.

    A layer is written for one model. ``over_members`` calls it once for all of them; in that call
    ``store[address]`` has the address's own shape, and stands for every member's parameter.

    Args:
        like: any of the members, or another stack of them; it says what lies where.
        params: all members' parameters ``[K, P]``.
    """

    def __init__(self, like: ParameterStore, params: Tensor) -> None:
        super().__init__()
        self.addresses, self.size = like.addresses, like.size
        self._lay_out(params)

    def __len__(self) -> int:
        return len(self.params)

    def _lay_out(self, params: Tensor) -> None:
        """Autograd's leaves are ``[K, *shape]``, without a ``.grad``."""
        self.params, self.grads = params, torch.zeros_like(params)
        self._leaves = [
            self._slice(params, address).detach().requires_grad_() for address in self.addresses.values()
        ]

    def over_members(self, function: Callable[..., Result], *inputs: Tensor, shared: bool = False) -> Result:
        """Call a function once for all members (``torch.vmap``).

        Args:
            function: takes one member's inputs, and finds that member's parameters in this store.
            inputs: each ``[K, …]``, or one for all members if ``shared``.
            shared: whether the inputs are the same for all members.

        Returns:
            What the function returns, each tensor with a first dimension of K.

        Raises:
            RuntimeError: torch's, if an operator cannot be called for all at once.
        """
        leaves = self._leaves

        def member(parameters: list[Tensor], *own: Tensor) -> Result:
            self._leaves = parameters
            try:
                return function(*own)
            finally:
                self._leaves = leaves

        dims = (0, *[None if shared else 0 for _ in inputs])
        called: Callable[..., Result] = torch.vmap(member, in_dims=dims, randomness="different")
        return called(leaves, *inputs)


def stacked(members: Sequence[ParameterStore]) -> StackedStore:
    """A stack with copies of sealed stores' values; they have the same addresses."""
    return StackedStore(members[0], torch.stack([member.params for member in members]))
