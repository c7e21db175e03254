"""Mini-batches: a split cut into pieces, in a new random order each time or in its own."""

from collections.abc import Iterator, Sequence
from math import ceil

import torch
from torch import Tensor

from runner.data.augment import Augmentation
from runner.data.dataset import Split
from runner.data.mixup import Mixup
from runner.process.parallel import ALONE, Workers

HUGE_PAGE = 2 * 1024**2
"""Bytes of a file that count as in memory when one of them is read: the most that Linux maps at once."""

RESIDENT = 512 * 1024**2
"""Bytes of files that may be in memory before they are let go. Reading them again takes time."""


class Batches:
    """An epoch of ``(inputs, targets)`` each time it is iterated; the short last batch is kept.

    Every batch comes in the same memory, so it holds until the next is asked for. Of several workers each
    gets its share of every batch.

    Args:
        split: the samples.
        batch_size: how many a batch, over all workers.
        generator: draws a fresh order of all samples each epoch; None keeps the split's order. Workers need
            generators of the same seed.
        device: where the batches are wanted; where the targets are if left out.
        workers: who shares each batch.
        augmentation: changes the inputs of each batch; another way each time, that the generator draws.
        mixup: how samples are to be mixed, by who learns from them.

    Attributes:
        share: what a sample of the present batch keeps of itself, a scalar, or ``[K]`` for K members; None
            where nothing is mixed.
    """

    _copies = 1
    _members: tuple[int, ...] = ()

    def __init__(
        self,
        split: Split,
        batch_size: int,
        generator: torch.Generator | None,
        device: torch.device | None = None,
        workers: Workers = ALONE,
        augmentation: Augmentation | None = None,
        mixup: Mixup | None = None,
    ) -> None:
        self.split = split
        self._augmentation, self._noise = augmentation, generator or unshuffled()
        self.batch_size = min(batch_size, len(split))
        self.generator = generator
        self.workers = workers
        device = device or split.targets.device
        self._mixup = mixup
        self.share = torch.ones(self._members, device=device) if mixup else None
        rows = self._copies * self.batch_size
        self._inputs = Buffer(split.samples, rows, torch.float32, device, split.scale)
        targets = torch.int64 if split.task == "classification" else torch.float32
        self._targets = Buffer(split.targets, rows, targets, device, split.target_scale)
        self._must_let_go = split.mapped_bytes > RESIDENT
        self._read = HUGE_PAGE + split.samples[0].nbytes

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return ceil(len(self.split) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        resident, order = 0, self._order()
        shares = self._shares().to(order.device) if self._mixup else None
        for place, indices in enumerate(torch.split(order, self.batch_size, dim=-1)):
            own = self.split.places(self._share_of(indices))
            if self.share is not None and shares is not None:
                self.share.copy_(shares[..., place])
            inputs = self._inputs.gather(own)
            if self._augmentation is not None:
                self._augmentation(inputs, self._share_of(self._seeds(indices.shape[-1])))
            yield inputs, self._targets.gather(own)
            resident += own.numel() * self._read
            if self._must_let_go and resident >= RESIDENT:
                self.split.let_go()
                resident = 0

    @property
    def sizes(self) -> list[int]:
        """How many samples a batch may have, over all workers: the last is shorter."""
        last = len(self.split) % self.batch_size
        return [self.batch_size, last] if last else [self.batch_size]

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        """A batch of the first samples, as they are."""
        own = self._share_of(self._alike(torch.arange(count, device=self.split.samples.device)))
        own = self.split.places(own)
        return self._inputs.gather(own), self._targets.gather(own)

    @property
    def generators(self) -> list[torch.Generator]:
        """All that is drawn from, epoch by epoch."""
        return [self._noise]

    def _alike(self, indices: Tensor) -> Tensor:
        return indices

    def _order(self) -> Tensor:
        return order_of(self.split, self.generator).to(self.split.samples.device)

    def _seeds(self, count: int) -> Tensor:
        return seeds_of(count, self._noise)

    def _shares(self) -> Tensor:
        assert self._mixup is not None
        return self._mixup.shares(len(self), self._noise)

    def _share_of(self, indices: Tensor) -> Tensor:
        if self.workers.size == 1:
            return indices
        return torch.tensor_split(indices, self.workers.size)[self.workers.rank]


class StackedBatches(Batches):
    """For each of K members the batches that it would see alone: ``[K, batch_size, …]``.

    Args:
        split: the samples.
        batch_size: how many a batch, for each member.
        generators: a member's draws its order of each epoch; None keeps the split's.
        device: where the batches are wanted.
        augmentation: changes the inputs of each member's batch as it would alone.
        mixup: as it would be alone.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        generators: Sequence[torch.Generator | None],
        device: torch.device,
        augmentation: Augmentation | None = None,
        mixup: Mixup | None = None,
    ) -> None:
        self._copies, self._members = len(generators), (len(generators),)
        self._generators, self._noises = generators, [each or unshuffled() for each in generators]
        super().__init__(split, batch_size, None, device, augmentation=augmentation, mixup=mixup)

    @property
    def generators(self) -> list[torch.Generator]:
        """All that is drawn from, a member's at its place."""
        return self._noises

    def _alike(self, indices: Tensor) -> Tensor:
        return indices.expand(self._copies, -1)

    def _order(self) -> Tensor:
        orders = [order_of(self.split, generator) for generator in self._generators]
        return torch.stack(orders).to(self.split.samples.device)

    def _seeds(self, count: int) -> Tensor:
        return torch.stack([seeds_of(count, noise) for noise in self._noises])

    def _shares(self) -> Tensor:
        assert self._mixup is not None
        return torch.stack([self._mixup.shares(len(self), noise) for noise in self._noises])


def order_of(split: Split, generator: torch.Generator | None) -> Tensor:
    """Every sample's index once, ``[N]``."""
    if generator is None:
        return torch.arange(len(split))
    return torch.randperm(len(split), generator=generator)


def seeds_of(count: int, generator: torch.Generator) -> Tensor:
    """Seeds of a batch's random changes, one a sample: ``[count]``."""
    return torch.randint(2**63 - 1, (count,), generator=generator)


def unshuffled() -> torch.Generator:
    """What draws the changes where nothing draws an order: always the same."""
    return torch.Generator().manual_seed(0)


class Buffer:
    """Memory that rows of a tensor are gathered into, in the type and on the device that are wanted.

    Args:
        source: what the rows are of.
        rows: how many there can be at once.
        dtype: what they shall be.
        device: where they are wanted.
        scale: what they are multiplied with; None is 1.
    """

    def __init__(
        self,
        source: Tensor,
        rows: int,
        dtype: torch.dtype,
        device: torch.device,
        scale: float | None = None,
    ) -> None:
        self._source = source
        self._scale = scale
        self._gathered = torch.empty((rows, *source.shape[1:]), dtype=source.dtype, device=source.device)
        self._wanted = self._gathered
        if (source.dtype, source.device) != (dtype, device):
            self._wanted = torch.empty_like(self._gathered, dtype=dtype, device=device)

    def gather(self, indices: Tensor) -> Tensor:
        """The rows at ``indices`` ``[…]``, as ``[…, *row]``; they hold until the next call."""
        gathered, wanted = self._gathered, self._wanted
        if (count := indices.numel()) < len(gathered):
            gathered, wanted = gathered[:count], wanted[:count]
        torch.index_select(self._source, 0, indices.reshape(-1), out=gathered)
        if self._scale is not None and gathered.dtype == torch.uint8:
            torch.mul(gathered.to(wanted.device), self._scale, out=wanted)
            return wanted if indices.dim() == 1 else wanted.view(*indices.shape, *wanted.shape[1:])
        if wanted is not gathered:
            wanted.copy_(gathered)
        if self._scale is not None:  # in float32, whatever they were
            wanted.mul_(self._scale)
        return wanted if indices.dim() == 1 else wanted.view(*indices.shape, *wanted.shape[1:])
