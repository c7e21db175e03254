"""What a data source gives: inputs and targets, split for training and testing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from runner.data.array_file import MappedArray
from runner.data.augment import Augmentation
from runner.data.mixup import Mixup
from runner.data.pixels import PIXEL
from runner.data.units import Units
from runner.types import Shape, Task


@dataclass(frozen=True)
class Split:
    """Samples and what is to be said of them.

    ``samples`` are float32 ``[N, *in_shape]``, or uint8 for pixels: a quarter of the memory. Where ``pixels``
    isn't None, it says if they are pixels, whatever their type.
    ``targets`` are class indices int64 ``[N]`` or values ``[N, D]``, learnt in float32; of a table float64 as
    long as they are not in units that are learnt well.

    Of sequences each place may have a class: int64 ``[N, T]``, ``classified``. Values may be labels, 0 and 1
    alone, of which a sample has several: ``labelled``.

    Arrays that stay in files, ``mapped``, may be larger than memory; theirs may be any number type, and
    they are converted batch by batch. ``rows``, int64 ``[N]``, says which of a file's rows a part has; None
    is all of them.

    Where neighbours share values, as windows over a series do, samples are ``in_order``: parts of them are
    cut off, not picked.

    Values may be kept as pixels, too: ``target_scale`` is what they are multiplied with. Or they are
    standardised, and ``units`` gives them back: losses are of what is here, all other metrics and what is
    predicted in the targets' own units.
    """

    samples: Tensor
    targets: Tensor
    mapped: tuple[MappedArray, ...] = ()
    rows: Tensor | None = None
    pixels: bool | None = None
    classified: bool | None = None
    target_scale: float | None = None
    in_order: bool = False
    units: Units | None = None
    labelled: bool = False

    def __len__(self) -> int:
        return len(self.targets if self.rows is None else self.rows)

    @property
    def task(self) -> Task:
        """What the targets are; where that is not told, one dimension is classes."""
        if self.labelled:
            return "multilabel"
        classified = self.targets.dim() == 1 if self.classified is None else self.classified
        return "classification" if classified else "regression"

    @property
    def scale(self) -> float | None:
        """What the samples are multiplied with to be inputs; None where they are inputs as they are."""
        are_pixels = self.samples.dtype == torch.uint8 if self.pixels is None else self.pixels
        return PIXEL if are_pixels else None

    @property
    def as_given(self) -> Tensor:
        """The samples in their own type: pixels as numbers from 0 to 255."""
        return self.samples if self.rows is None else self.samples[self.rows]

    @property
    def inputs(self) -> Tensor:
        """The samples as a model takes them, float32: pixels between 0 and 1."""
        inputs = self.as_given.to(torch.float32).contiguous()
        return inputs if self.scale is None else inputs * self.scale  # a mapped file's can't be written

    @property
    def expected(self) -> Tensor:
        """The targets as a model is to give them: classes int64, or values float32 as they are learnt."""
        targets = self.targets if self.rows is None else self.targets[self.rows]
        if self.task == "classification":
            return targets.to(torch.int64)
        values = targets.to(torch.float32)
        return values if self.target_scale is None else values * self.target_scale

    @property
    def input_bytes(self) -> int:
        """What one sample takes as a model's input."""
        return 4 * self.samples[0].numel()

    @property
    def mapped_bytes(self) -> int:
        """The size of the files that it is read from."""
        return sum(array.values.nbytes for array in self.mapped)

    def let_go(self) -> None:
        """Give the memory back that parts read from files take."""
        for array in self.mapped:
            array.let_go()

    def places(self, samples: Tensor) -> Tensor:
        """Where samples ``[…]`` lie in ``samples`` and ``targets``, by their numbers in the split."""
        return samples if self.rows is None else self.rows[samples]

    def first(self, count: int | None) -> "Split":
        """The first ``count`` samples, all of them for None."""
        if self.rows is not None:
            return replace(self, rows=self.rows[:count])
        return replace(self, samples=self.samples[:count], targets=self.targets[:count])

    def picked(self, wanted: Tensor) -> "Split":
        """The samples for which ``wanted`` ``[N]`` is true; those in files stay there."""
        if self.mapped:
            return replace(self, rows=self.places(wanted.nonzero().flatten()))
        return replace(self, samples=self.samples[wanted], targets=self.targets[wanted])

    def with_units(self, units: Units | None) -> "Split":
        """The same values in other units."""
        if units == self.units:
            return self
        values = self.targets.double() * (self.target_scale or 1.0)
        own = values if self.units is None else self.units.restored(values)
        targets = own if units is None else units.scaled(own)
        return replace(self, targets=targets, target_scale=None, units=units)

    def to(self, device: torch.device) -> "Split":
        """The same samples on a device; those in files stay there."""
        if self.mapped:
            return self
        return replace(self, samples=self.samples.to(device), targets=self.targets.to(device))


@dataclass(frozen=True)
class Dataset:
    """A data set: what is learnt from, what is looked at meanwhile if there is such a part, and the test.

    Attributes:
        train: what is learnt from.
        test: what is looked at in the end.
        val: what is looked at meanwhile.
        preprocessing: texts by file names, kept beside a model that has learnt from the data: what has to be
            known to make inputs of the same kind of other data, such as ``table.json``, a ``Table``.
        augmentation: what is done to the inputs of each batch that is learnt from.
        mixup: how two samples of such a batch are mixed.
        digest: names the data, once it is as it is used; see ``runner.data.digest``.
    """

    train: Split
    test: Split
    val: Split | None = None
    preprocessing: Mapping[str, str] = field(default_factory=dict)
    augmentation: Augmentation | None = None
    mixup: Mixup | None = None
    digest: str = ""

    @property
    def held_out(self) -> list[tuple[str, Split]]:
        """The parts that nothing is learnt from, with what the names of their metrics begin with."""
        return [*([("val/", self.val)] if self.val is not None else []), ("test/", self.test)]

    def with_units(self, units: Units | None) -> "Dataset":
        """The same data, its targets in other units."""
        val = None if self.val is None else self.val.with_units(units)
        return replace(self, train=self.train.with_units(units), test=self.test.with_units(units), val=val)

    def with_labels(self) -> "Dataset":
        """The same data, its targets labels of 0 and 1."""
        val = None if self.val is None else replace(self.val, labelled=True)
        train, test = replace(self.train, labelled=True), replace(self.test, labelled=True)
        return replace(self, train=train, test=test, val=val)

    def to(self, device: torch.device) -> "Dataset":
        """The same data on a device."""
        val = self.val.to(device) if self.val is not None else None
        return replace(self, train=self.train.to(device), test=self.test.to(device), val=val)


class Source(Protocol):
    """A data set that is known by its shape before any of it is read."""

    @property
    def task(self) -> Task:
        """Whether targets are classes, values or labels."""

    @property
    def in_shape(self) -> Shape:
        """The shape of one input sample."""

    @property
    def out_shape(self) -> Shape:
        """What a model has to give for a sample: ``[C]``, a score a class, or ``[D]``, a value a target.

        Of labels it is ``[D]``, one each. Where each place of a sequence has a class it is ``[T, C]``.
        """

    def load(self) -> Dataset:
        """Read, download or make the data.

        Raises:
            DataError: if it cannot be had or is not what it should be.
        """
