"""Targets in units that are learnt well, and the way back to their own."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from runner.data.scale import mean_and_std


@dataclass(frozen=True)
class Units:
    """Values ``[…, D]`` as ``(y - mean) / std``, each of the D by its own.

    Attributes:
        mean: of what is learnt from, D numbers.
        std: its standard deviations, or 1 for what never varies.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, targets: Tensor) -> "Units":
        """Those of the targets ``[N, D]`` to learn from."""
        columns = targets.double().numpy().T
        scales = [mean_and_std("the target", np.ascontiguousarray(values)) for values in columns]
        return cls(tuple(mean for mean, _ in scales), tuple(std for _, std in scales))

    def scaled(self, values: Tensor) -> Tensor:
        """Values in their own units, as they are learnt: float32."""
        mean, std = self._tensors(values)
        return ((values.double() - mean) / std).float()

    def restored(self, values: Tensor) -> Tensor:
        """The way back, in float64: a mean may be far larger than what is around it."""
        mean, std = self._tensors(values)
        return values.double() * std + mean

    def _tensors(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = torch.tensor([self.mean, self.std], dtype=torch.float64, device=like.device)
        return mean, std
