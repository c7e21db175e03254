"""What a model says of samples: as a table, or as a file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from runner.errors import RunnerError
from runner.process.spreadsheet import cell
from runner.types import Task

if TYPE_CHECKING:  # who only writes a file needs no pandas
    from pandas import DataFrame

CLASS = "class"
"""The column of the most probable classes."""

FILE = "file"
"""The column of the samples' names."""


@dataclass(frozen=True)
class Predictions:
    """Predictions for N samples.

    Attributes:
        values: ``[N, …, D]``; of classes and labels their probabilities.
        classes: the most probable class of each, ``[N, …]``; None of a regression.
        names: what the values are called: the classes, or the targets; numbered from 0 where they are None.
        task: what is predicted.
    """

    values: npt.NDArray[np.floating]
    classes: npt.NDArray[np.int64] | None = None
    names: tuple[str, ...] | None = None
    task: Task = "regression"

    def write(self, path: Path, files: Sequence[str] = ()) -> None:
        """Write them, as CSV if the name ends so, else as npy; whole, or what was there before stays.

        Args:
            path: where.
            files: the samples' names, if they have some: the first column of a CSV file.

        Raises:
            RunnerError: if the disk refuses.
        """
        unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
        try:
            if path.suffix == ".csv":
                self._write_csv(unfinished, files)
            else:
                np.save(unfinished, self._array(), allow_pickle=False)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise RunnerError(f"{path}: cannot be written: {error.strerror or error}") from error

    def frame(self) -> "DataFrame":
        """A row a sample, in the columns of the CSV file; of a sequence a cell holds a value a place."""
        from pandas import DataFrame

        return DataFrame({name: list(column) for name, column in self._columns().items()}).astype(
            {name: column.dtype for name, column in self._columns().items() if column.ndim == 1}
        )

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        """Each column ``[N, …]`` by its name."""
        parts = list(np.moveaxis(self.values, -1, 0))
        if self.classes is not None:
            told = self.classes if self.names is None else np.array(self.names, dtype=object)[self.classes]
            parts.insert(0, told)
        return dict(zip(columns(self.task, self.names, self.values.shape[-1]), parts, strict=True))

    def _array(self) -> npt.NDArray[np.void] | npt.NDArray[np.floating]:
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

    def _write_csv(self, path: Path, files: Sequence[str]) -> None:
        columns = ({FILE: files} if files else {}) | self._columns()
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(map(cell, columns))
            writer.writerows(map(cell, row) for row in zip(*columns.values(), strict=True))


def columns(task: Task, names: Sequence[str] | None, outputs: int) -> list[str]:
    """The columns of predictions: the class and a probability a class, one a label, or a value a target."""
    numbered = names or [str(number) for number in range(outputs)]
    if task != "regression":
        shares = [f"probability_{name}" for name in numbered]
        return [CLASS, *shares] if task == "classification" else shares
    if outputs == 1:
        return list(names or ["value"])
    return [f"value_{name}" for name in numbered]
