"""Data made by formula."""

from dataclasses import dataclass
from math import pi, sqrt
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.types import NonNegative, PositiveInt, Seed, Shape, Task

Samples = Annotated[int, Ge(100), Lt(2**63)]
"""Enough that each class is in both parts."""


@dataclass(frozen=True, kw_only=True)
class LinearMap:
    """A regression with a known answer: ``y = x W + b + noise``.

    ``x`` and ``b`` are drawn from N(0, 1), ``W`` from N(0, 1/features), the noise from N(0, noise^2). A
    fifth of the samples is kept for testing. The seed is the data set's own, so that runs of different
    seeds learn the same map.
    """

    samples: Annotated[int, Ge(5), Lt(2**63)] = 1000
    features: PositiveInt = 8
    targets: PositiveInt = 1
    noise: NonNegative = 0.1
    seed: Seed = 0

    task: ClassVar[Task] = "regression"

    @property
    def in_shape(self) -> Shape:
        """One sample: ``[features]``."""
        return (self.features,)

    @property
    def out_shape(self) -> Shape:
        """One a target."""
        return (self.targets,)

    def load(self) -> Dataset:
        """Draw the samples."""
        generator = torch.Generator().manual_seed(self.seed)
        W = torch.randn(self.features, self.targets, generator=generator) / sqrt(self.features)
        b = torch.randn(self.targets, generator=generator)
        x = torch.randn(self.samples, self.features, generator=generator)
        y = x @ W + b + self.noise * torch.randn(self.samples, self.targets, generator=generator)
        train = self.samples - self.samples // 5
        return Dataset(Split(x[:train], y[:train]), Split(x[train:], y[train:]))


@dataclass(frozen=True, kw_only=True)
class Blobs:
    """A classification: each class a normal distribution of its own.

    Centres are drawn uniformly from [-10, 10], samples from N(centre, std^2), as many a class, in random
    order; a fifth is kept for testing. As scikit-learn's ``make_blobs``.
    """

    samples: Samples = 1000
    features: PositiveInt = 2
    classes: Annotated[int, Ge(2), Lt(2**63)] = 3
    std: NonNegative = 1.0
    seed: Seed = 0

    task: ClassVar[Task] = "classification"

    def __post_init__(self) -> None:
        refuse_empty_classes(self.classes, self.samples)

    @property
    def in_shape(self) -> Shape:
        """One sample: ``[features]``."""
        return (self.features,)

    @property
    def out_shape(self) -> Shape:
        """One a class."""
        return (self.classes,)

    def load(self) -> Dataset:
        """Draw the samples."""
        generator = torch.Generator().manual_seed(self.seed)
        centres = torch.rand(self.classes, self.features, generator=generator) * 20 - 10
        labels = torch.arange(self.samples) % self.classes
        return classified(centres[labels], labels, self.std, generator)


@dataclass(frozen=True, kw_only=True)
class Moons:
    """A classification: two half circles that reach into each other.

    ``(cos t, sin t)`` and ``(1 - cos t, 1/2 - sin t)``, t evenly from 0 to pi, with noise from N(0, noise^2),
    in random order; a fifth is kept for testing. As scikit-learn's ``make_moons``.
    """

    samples: Samples = 1000
    noise: NonNegative = 0.1
    seed: Seed = 0

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (2,)
    out_shape: ClassVar[Shape] = (2,)

    def load(self) -> Dataset:
        """Draw the samples."""
        labels = torch.arange(self.samples) % 2
        t = torch.linspace(0, pi, self.samples)
        outer = torch.stack([t.cos(), t.sin()], dim=1)
        inner = torch.stack([1 - t.cos(), 0.5 - t.sin()], dim=1)
        points = torch.where(labels[:, None] == 0, outer, inner)
        return classified(points, labels, self.noise, torch.Generator().manual_seed(self.seed))


@dataclass(frozen=True, kw_only=True)
class Spirals:
    """A classification: spirals around one centre, an arm a class; no straight line tells them apart.

    ``r (cos a, sin a)`` with r evenly from 0 to 1 and ``a = 2 pi (turns r + class / classes)``, with noise
    from N(0, noise^2), in random order; a fifth is kept for testing. After K. Lang and M. Witbrock, Learning
    to Tell Two Spirals Apart (1988).
    """

    samples: Samples = 1000
    classes: Annotated[int, Ge(2), Lt(2**63)] = 2
    turns: NonNegative = 1.0
    noise: NonNegative = 0.02
    seed: Seed = 0

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (2,)

    def __post_init__(self) -> None:
        refuse_empty_classes(self.classes, self.samples)

    @property
    def out_shape(self) -> Shape:
        """One a class."""
        return (self.classes,)

    def load(self) -> Dataset:
        """Draw the samples."""
        labels = torch.arange(self.samples) % self.classes
        radius = torch.linspace(0, 1, self.samples)
        angle = 2 * pi * (self.turns * radius + labels / self.classes)
        points = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
        return classified(points, labels, self.noise, torch.Generator().manual_seed(self.seed))


def refuse_empty_classes(classes: int, samples: int) -> None:
    """Refuse more classes than there are samples, which would only make the model larger.

    Raises:
        ValueError: if there are more.
    """
    if classes > samples:
        raise ValueError(f"classes: {classes:,} of {samples:,} samples, each class should have one at least")


def classified(points: Tensor, labels: Tensor, noise: float, generator: torch.Generator) -> Dataset:
    """Points ``[N, D]`` of classes ``[N]``, scattered, in random order, the last fifth to test on."""
    points = points + noise * torch.randn(points.shape, generator=generator)
    order = torch.randperm(len(points), generator=generator)
    train, test = order[: -(len(points) // 5)], order[-(len(points) // 5) :]
    return Dataset(Split(points[train], labels[train]), Split(points[test], labels[test]))
