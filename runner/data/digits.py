"""The digits that scikit-learn carries, so that the first experiment needs no download."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from runner.data.dataset import Dataset, Split
from runner.errors import DataError
from runner.types import Shape, Task

FILE = "datasets/data/digits.csv.gz"
"""Where the scikit-learn package has them: a row a digit, 64 pixels from 0 to 16 and the label."""


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
        rows = read_rows()
        rows = rows[np.random.RandomState(0).permutation(len(rows))]  # whose stream numpy keeps for ever
        tested = np.zeros(len(rows), dtype=bool)
        tested[np.argsort(rows[:, -1], kind="stable")[::5]] = True  # every fifth of each class

        def split(part: npt.NDArray[np.float32]) -> Split:
            images = torch.from_numpy(part[:, :-1] / 16).view(-1, *self.in_shape)
            return Split(images, torch.from_numpy(part[:, -1].astype(np.int64)))

        return Dataset(train=split(rows[~tested]), test=split(rows[tested]))


def read_rows() -> npt.NDArray[Any]:
    """The file's rows, float32 ``[1797, 65]``, without importing the package, which takes about a second.

    Raises:
        DataError: if scikit-learn is not installed.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise DataError("data.type: 'digits' come with scikit-learn, which is not installed")
    return np.loadtxt(Path(package.origin).parent / FILE, dtype=np.float32, delimiter=",")
