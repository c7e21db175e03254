"""Several processes that train one model together, or one that trains it alone.

``torchrun --nproc-per-node=N -m runner …`` starts them. Each computes its share of every batch; the sum of
their gradients is the whole batch's. The first reads the command line, reports, and tells the others what
to do.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor


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

    def tell(self, text: str) -> str:
        """What the first of them says."""

    def first_goes_first(self) -> AbstractContextManager[None]:
        """A context that the first leaves before the others enter."""


class Alone:
    """One process: nothing to share, nobody to wait for."""

    rank, size = 0, 1

    def sum(self, tensor: Tensor) -> None:
        """It is the sum already."""

    def tell(self, text: str) -> str:
        """The text."""
        return text

    def first_goes_first(self) -> AbstractContextManager[None]:
        """No need to wait."""
        return nullcontext()


ALONE = Alone()


class Group:
    """The processes that torchrun started, joined by gloo on CPUs and NCCL on GPUs."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def sum(self, tensor: Tensor) -> None:
        """One all-reduce."""
        dist.all_reduce(tensor)

    def tell(self, text: str) -> str:
        """Broadcast from rank 0."""
        said = [text]
        dist.broadcast_object_list(said)
        return said[0]

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Others wait at a barrier; if the first fails they are stopped by torchrun."""
        if self.rank > 0:
            dist.barrier()
        yield
        if self.rank == 0:
            dist.barrier()


def started_by_torchrun() -> bool:
    """Whether there are other processes to work with."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined() -> Iterator[Workers]:
    """Be one of the processes that torchrun started, or alone."""
    if not started_by_torchrun():
        yield ALONE
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Group()
    finally:
        dist.destroy_process_group()
