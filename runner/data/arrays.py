"""Arrays in files, read while they are trained on: data sets may be larger than memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from pathlib import Path

import numpy as np

from runner.data.array_container import HeldArray, open_array
from runner.data.array_file import ArrayFile, MappedArray
from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt
from runner.data.pixels import Inputs, are_pixels
from runner.data.soundness import first_not_binary, first_not_finite
from runner.errors import DataError
from runner.types import PositiveInt, Shape, Task


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """Inputs and targets from files, memory-mapped: only what is read is in memory.

    Files are npy, idx, npz or pt ones; ``all.npz/x`` is the array x in a file of several. Those that are
    compressed, as npz files may be, are read as a whole.

    Inputs are ``[N, …]``, numbers of any type; uint8 ones are pixels, 0 to 255 being 0 to 1, and images
    ``[N, height, width]`` of them get a channel. The training inputs say that of the test inputs, too, and of
    what is predicted later (``runner.data.pixels``). Targets are class indices ``[N]``, integers, if
    ``classes`` says how many there are, else values ``[N]`` or ``[N, D]``. With a loss that takes several
    labels a sample, as ``bce_with_logits`` does, targets of 0 and 1 alone are such labels.

    Args:
        root: the folder that the file names start from.
        inputs: the training inputs.
        targets: the training targets.
        test_inputs: the test inputs.
        test_targets: the test targets.
        classes: how many classes there are; None for a regression.
    """

    root: Path
    inputs: Path
    targets: Path
    test_inputs: Path
    test_targets: Path
    classes: PositiveInt | None = None

    @property
    def task(self) -> Task:
        """Classification if there are classes."""
        return "regression" if self.classes is None else "classification"

    @cached_property
    def in_shape(self) -> Shape:
        """One sample, as the head of the training inputs says."""
        return sample_shape(self._open(self.inputs))

    @cached_property
    def out_shape(self) -> Shape:
        """One a class, or one a value."""
        if self.classes is not None:
            return (self.classes,)
        return (prod(self._open(self.targets).shape[1:]),)

    @cached_property
    def are_labels(self) -> bool:
        """Whether all targets to train on are 0 or 1."""
        if self.classes is not None:
            return False
        targets = self._open(self.targets).map()
        return first_not_binary(targets.values, targets.let_go) is None

    def load(self) -> Dataset:
        """Map the files, and hold them against each other.

        Raises:
            DataError: if one is damaged, or they don't fit together.
        """
        return self._load(self.in_shape, None)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The arrays as inputs of a model, by what it has learnt from.

        Raises:
            DataError: if what it keeps is damaged.
        """
        learnt, shape = Inputs.kept(kept), self.in_shape
        if learnt is not None and fits(self._open(self.inputs).shape[1:], learnt.shape):
            shape = learnt.shape
        return Learnt(self.task, shape, self.out_shape, partial(self._load, shape, learnt), self.are_labels)

    def _load(self, shape: Shape, learnt: Inputs | None) -> Dataset:
        train = self._split(self.inputs, self.targets, shape, learnt)
        if learnt is None and self._open(self.test_inputs).dtype != self._open(self.inputs).dtype:
            learnt = Inputs.of(train.samples, are_pixels=train.scale is not None, let_go=train.let_go)
        return Dataset(train, self._split(self.test_inputs, self.test_targets, shape, learnt))

    def _open(self, name: Path) -> ArrayFile | HeldArray:
        return open_array((self.root.expanduser() / name).absolute())

    def _split(self, inputs: Path, targets: Path, in_shape: Shape, learnt: Inputs | None) -> Split:
        samples, answers = self._open(inputs), self._open(targets)
        if not fits(samples.shape[1:], in_shape):
            raise DataError(
                f"{samples.path}: its samples are {list(sample_shape(samples))}, "
                f"those to train on are {list(in_shape)}"
            )
        if len(samples) != len(answers):
            raise DataError(f"{answers.path}: has {len(answers)} targets for {len(samples)} inputs")
        mapped = (samples.map(), answers.map())
        for file, array in zip((samples, answers), mapped, strict=True):
            if (place := first_not_finite(array.values, array.let_go)) is not None:
                raise DataError(f"{file.path}: row {place} is not finite: NaN, or too large for float32")
        self._check_targets(answers, mapped[1])
        shape = () if self.classes else self.out_shape
        pixels = are_pixels(str(samples.path), mapped[0].values, learnt, mapped[0].let_go)
        return Split(
            mapped[0].values.view(len(samples), *in_shape),
            mapped[1].values.view(len(answers), *shape),
            mapped,
            pixels=pixels,
        )

    def _check_targets(self, file: ArrayFile | HeldArray, targets: MappedArray) -> None:
        if self.classes is None:
            if (prod(file.shape[1:]),) != self.out_shape:
                raise DataError(f"{file.path}: has {file.shape[1:]} values a target, not {self.out_shape}")
            return
        if len(file.shape) != 1 or targets.values.is_floating_point():
            raise DataError(
                f"{file.path}: targets of {self.classes} classes are integers [N], "
                f"not {file.dtype} {list(file.shape)}"
            )
        low, high = targets.values.aminmax()
        targets.let_go()
        if low < 0 or high >= self.classes:
            raise DataError(
                f"{file.path}: its classes are {low} to {high}, data.classes={self.classes} allows 0 to "
                f"{self.classes - 1}"
            )


def sample_shape(file: ArrayFile | HeldArray) -> Shape:
    """The shape of one sample: 8-bit images without a channel get one."""
    shape = file.shape[1:]
    return (1, *shape) if file.dtype == np.uint8 and len(shape) == 2 else shape


def fits(shape: Shape, wanted: Shape) -> bool:
    """Whether samples of a shape are of the one that is wanted, if need be with a channel."""
    return wanted in (shape, (1, *shape))
