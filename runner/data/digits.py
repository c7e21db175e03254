"""The digits that scikit-learn carries, so that the first experiment needs no download."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from runner.data.dataset import Dataset, Split
from runner.types import Shape, Task


@dataclass(frozen=True, kw_only=True)
class Digits:
    """1,797 handwritten digits of 8x8 pixels in [0, 1]: 1,437 to train on, 360 to test on.

    The split is stratified by class and always the same. Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI Machine Learning Repository (1998), the test part.
    """

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (1, 8, 8)
    outputs: ClassVar[int] = 10

    def load(self) -> Dataset:
        """Read the set from the scikit-learn package."""
        from sklearn.datasets import load_digits  # slow to import: only where digits are wanted
        from sklearn.model_selection import train_test_split

        pixels, labels = load_digits(return_X_y=True)
        train_x, test_x, train_y, test_y = train_test_split(
            pixels, labels, test_size=360, stratify=labels, random_state=0
        )

        def split(x: object, y: object) -> Split:
            images = torch.as_tensor(x, dtype=torch.float32).view(-1, *self.in_shape) / 16
            return Split(images, torch.as_tensor(y, dtype=torch.int64))

        return Dataset(split(train_x, train_y), split(test_x, test_y))
