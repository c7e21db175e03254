"""Data made by formula."""

from dataclasses import dataclass
from math import sqrt
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from runner.data.dataset import Dataset, Split
from runner.types import NonNegative, PositiveInt, Seed, Shape, Task


@dataclass(frozen=True, kw_only=True)
class LinearMap:
    """A regression with a known answer: ``y = x W + b + noise``.

    ``x`` and ``b`` are drawn from N(0, 1), ``W`` from N(0, 1/features), the noise from N(0, noise^2). A
    fifth of the samples is kept for testing. The seed is the data set's own, so that runs of different
    seeds learn the same map.
    """

    samples: Annotated[int, Ge(5)] = 1000
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
