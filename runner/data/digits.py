"""The digits that scikit-learn carries, so that the first experiment needs no download."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch

from runner.data.carried import read_rows
from runner.data.dataset import Dataset, Split
from runner.types import Shape, Task

FILE = "digits.csv.gz"
"""As the scikit-learn package has them: a row a digit, 64 pixels from 0 to 16 and the label."""


@dataclass(frozen=True, kw_only=True)
class Digits:
    """1,797 handwritten digits of 8x8 pixels in [0, 1]: 1,437 to train on, 360 to test on.

    The split is stratified by class and always the same. Source: E. Alpaydin and C. Kaynak, Optical
    Recognition of Handwritten Digits, UCI Machine Learning Repository (1998), the test part.
    """

    task: ClassVar[Task] = "classification"
    in_shape: ClassVar[Shape] = (1, 8, 8)
    out_shape: ClassVar[Shape] = (10,)

    def load(self) -> Dataset:
        """Read the set from the scikit-learn package.

        Raises:
            DataError: if scikit-learn is not installed.
        """
        rows = read_rows(FILE).astype(np.float32)
        rows = rows[np.random.RandomState(0).permutation(len(rows))]  # whose stream numpy keeps for ever
        tested = np.zeros(len(rows), dtype=bool)
        tested[np.argsort(rows[:, -1], kind="stable")[::5]] = True  # every fifth of each class

        def split(part: npt.NDArray[np.float32]) -> Split:
            images = torch.from_numpy(part[:, :-1] / 16).view(-1, *self.in_shape)
            return Split(images, torch.from_numpy(part[:, -1].astype(np.int64)))

        return Dataset(train=split(rows[~tested]), test=split(rows[tested]))
