"""Several processes that train one model together, or one that trains it alone.

``torchrun --nproc-per-node=N -m runner …`` starts them. Each computes its share of every batch; the sum of
their gradients is the whole batch's. The first reads the command line, reports, and tells the others what
to do.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from runner.errors import RunnerError, first_line
from runner.process import torchrun


class Workers(Protocol):
    """Those who train a model together, seen by one of them."""

    @property
    def rank(self) -> int:
        """Which of them this one is: 0, 1 and so on."""

    @property
    def size(self) -> int:
        """How many they are."""

    def sum(self, tensor: Tensor) -> None:
        """Replace every worker's tensor by the sum of all."""

    def average(self, tensor: Tensor) -> None:
        """Replace every worker's tensor by the mean of all."""

    def tell(self, text: str) -> str:
        """What the first of them says."""

    def first_goes_first(self) -> AbstractContextManager[None]:
        """A context that the first leaves before the others enter."""


class Alone:
    """One process: nothing to share, nobody to wait for."""

    rank, size = 0, 1

    def sum(self, tensor: Tensor) -> None:
        """It is the sum already."""

    def average(self, tensor: Tensor) -> None:
        """And the mean."""

    def tell(self, text: str) -> str:
        """The text."""
        return text

    def first_goes_first(self) -> AbstractContextManager[None]:
        """No need to wait."""
        return nullcontext()


ALONE = Alone()


class Group:
    """The processes that torchrun started, joined by gloo on CPUs and NCCL on GPUs.

    All methods raise a RunnerError if another process has gone.
    """

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._has_told = False

    def sum(self, tensor: Tensor) -> None:
        """One all-reduce."""
        with told_of_the_gone():
            dist.all_reduce(tensor)

    def average(self, tensor: Tensor) -> None:
        """One all-reduce, unless there is nothing in it."""
        if tensor.numel():
            self.sum(tensor)
            tensor.div_(self.size)

    def tell(self, text: str) -> str:
        """Broadcast from the first."""
        self._has_told = True
        said = [text]
        with told_of_the_gone():
            dist.broadcast_object_list(said)
        return said[0]

    def leave(self) -> None:
        """Let the others go, if they were never told what to do."""
        if self.rank == 0 and not self._has_told:
            self.tell("")
        dist.destroy_process_group()

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """The others wait at a barrier, which the first reaches if all goes well."""
        if self.rank > 0:
            self._wait()
        yield
        if self.rank == 0:
            self._wait()

    def _wait(self) -> None:
        with told_of_the_gone():
            dist.barrier()


@contextmanager
def told_of_the_gone() -> Iterator[None]:
    """Say in a line what the backends say in many, each in its own way."""
    try:
        yield
    except RuntimeError as error:
        raise RunnerError(f"another worker has gone: {first_line(error)}") from error


@contextmanager
def joined() -> Iterator[Workers]:
    """Be one of the processes that torchrun started, or alone."""
    if torchrun.world_size() == 1:
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    group = Group()
    try:
        yield group
    finally:
        group.leave()
