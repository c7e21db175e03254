"""What a model says of samples, as a file."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from runner.errors import RunnerError
from runner.types import Task


@dataclass(frozen=True)
class Predictions:
    """Predictions for N samples.

    Attributes:
        values: ``[N, D]``; of a classifier the probabilities ``[N, C]``.
        classes: the most probable class of each, ``[N]``; None of a regression.
        names: what the values are called: the classes, or the targets; numbered from 0 where they are None.
    """

    values: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64] | None = None
    names: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls, outputs: npt.NDArray[np.float32], task: Task, names: tuple[str, ...] | None = None
    ) -> "Predictions":
        """From a model's outputs ``[N, …, D]``, which of a classifier are logits."""
        if task != "classification":
            return cls(outputs, None, names)
        probabilities = torch.softmax(torch.from_numpy(outputs), -1).numpy()
        return cls(probabilities, outputs.argmax(-1), names)

    def write(self, path: Path) -> None:
        """Write them, as CSV if the name ends so, else as npy; whole, or what was there before stays.

        Raises:
            RunnerError: if the disk refuses.
        """
        unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
        try:
            if path.suffix == ".csv":
                self._write_csv(unfinished)
            else:
                np.save(unfinished, self._array(), allow_pickle=False)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise RunnerError(f"{path}: cannot be written: {error.strerror or error}") from error

    def _array(self) -> npt.NDArray[np.void] | npt.NDArray[np.float32]:
        """The values; of a classifier records of ``class`` and ``probabilities``."""
        if self.classes is None:
            return self.values
        fields = [
            ("class", np.int64, self.classes.shape[1:]),
            ("probabilities", np.float32, self.values.shape[1:]),
        ]
        records = np.empty(len(self.values), dtype=fields)
        records["class"], records["probabilities"] = self.classes, self.values
        return records

    def _write_csv(self, path: Path) -> None:
        width = self.values.shape[1]
        names = self.names or tuple(str(number) for number in range(width))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if self.classes is None:
                columns = self.names or ("value",) if width == 1 else [f"value_{name}" for name in names]
                writer.writerow(columns)
                writer.writerows(self.values)
            else:
                writer.writerow(["class", *(f"probability_{name}" for name in names)])
                pairs = zip(self.classes, self.values, strict=True)
                writer.writerows([names[number], *probabilities] for number, probabilities in pairs)
