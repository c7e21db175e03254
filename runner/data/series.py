"""Forecasting: windows over a time series, and the values that come after each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.array_file import ArrayFile
from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.table import Numeric, column
from runner.data.table_file import read_csv
from runner.data.units import Units
from runner.errors import DataError
from runner.types import PositiveInt, Shape, Share, Task

SERIES = "series.json"
"""The name of the file beside a model: each column's mean and deviation, and which are forecast."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """A time series in windows ``[window, columns]``; targets are the next ``horizon`` values, flattened.

    A row is a time step. Columns are standardised by the rows that are learnt from; missing values are the
    mean. The end of the series is tested on; its first windows look back at what is trained on.

    Args:
        root: the folder that the file name starts from.
        file: a CSV file with a header, or an npy file ``[steps]`` or ``[steps, columns]``, whose columns are
            called 0, 1, ….
        window: steps a sample.
        horizon: steps to forecast.
        columns: those that are inputs; none named: all.
        forecast: those of them that are forecast; none named: all inputs.
        test: the share of the steps that is tested on.
        limit: the first so many windows of the others are used; None: all.
        val: the share of those that is set apart, the last.
        standardize_target: whether values are learnt standardised.
    """

    root: Path
    file: Path
    window: PositiveInt = 32
    horizon: PositiveInt = 1
    columns: tuple[str, ...] = ()
    forecast: tuple[str, ...] = ()
    test: Share = 0.2
    limit: PositiveInt | None = None
    val: Share | None = None
    standardize_target: bool = True

    task: ClassVar[Task] = "regression"

    @property
    def in_shape(self) -> Shape:
        """One sample: ``[window, columns]``."""
        return (self.window, len(self._inputs))

    @property
    def out_shape(self) -> Shape:
        """A value a step to forecast and column: all columns of the first step, then of the next."""
        return (self.horizon * len(self._forecast),)

    def load(self) -> Dataset:
        """Read the series and cut it.

        Raises:
            DataError: if it can't be read, is not of numbers, or is too short.
        """
        learnt = self._learnt(self._trained_on)
        return self._scaled([Numeric.fit(name, column(self._steps, name)[:learnt]) for name in self._inputs])

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The series by the means and deviations that a model keeps, the same columns in the same order.

        Raises:
            DataError: if it keeps none.
        """
        scales, forecast = scales_and_forecast(kept_text(kept, SERIES))
        source = replace(self, columns=tuple(each.name for each in scales), forecast=forecast)
        return Learnt(self.task, source.in_shape, source.out_shape, lambda: source._scaled(scales))

    @property
    def _trained_on(self) -> int:
        """How many steps come before those to test on."""
        steps = len(column(self._steps, self._inputs[0]))
        return steps - round(self.test * steps)

    def _scaled(self, scales: Sequence[Numeric]) -> Dataset:
        """The windows of the series, each column by its mean and deviation."""
        count = self._trained_on
        scaled = [scale.transform(column(self._steps, scale.name)) for scale in scales]
        values = torch.from_numpy(np.concatenate(scaled, axis=1).astype(np.float32))
        kept = {"columns": [asdict(scale) for scale in scales], "forecast": self._forecast}
        forecast = [scales[self._inputs.index(name)] for name in self._forecast] * self.horizon
        units = Units(tuple(each.mean for each in forecast), tuple(each.std for each in forecast))
        train = self._windows(values[:count], units)
        test = self._windows(values[max(count - self.window, 0) :], units)
        data = Dataset(train, test, preprocessing={SERIES: json.dumps(kept, indent=2, ensure_ascii=False)})
        return data if self.standardize_target else data.with_units(None)

    def _learnt(self, count: int) -> int:
        """How many of the steps to train on are in windows that are learnt from, or their targets."""
        around = self.window + self.horizon - 1
        windows = max(count - around, 0)
        windows = min(windows, self.limit or windows)
        return windows - round((self.val or 0) * windows) + around

    def _windows(self, values: Tensor, units: Units) -> Split:
        """Samples, which stay where the values are, and targets."""
        if len(values) < self.window + self.horizon:
            raise DataError(
                f"{self._path}: {len(values)} of its steps are too few for a window of {self.window} and "
                f"{self.horizon} to forecast"
            )
        places = [self._inputs.index(name) for name in self._forecast]
        windows = values[: -self.horizon].unfold(0, self.window, 1).transpose(1, 2)
        nexts = values[self.window :, places].unfold(0, self.horizon, 1).transpose(1, 2)
        return Split(windows, nexts.flatten(1), in_order=True, units=units)

    @cached_property
    def _inputs(self) -> list[str]:
        return list(self.columns or self._steps)

    @cached_property
    def _forecast(self) -> list[str]:
        for name in self.forecast:
            column(dict.fromkeys(self._inputs), name)  # which tells if it is none of them
        return list(self.forecast or self._inputs)

    @cached_property
    def _steps(self) -> Mapping[str, npt.NDArray[Any]]:
        """All columns by name."""
        if self._path.suffix != ".npy":
            rows = read_csv(self._path)
            return {name: rows[name].to_numpy() for name in rows}
        values = ArrayFile.open(self._path).read().numpy()
        if values.ndim > 2:
            raise DataError(f"{self._path}: is {list(values.shape)}, a series is [steps] or [steps, columns]")
        columns = values.reshape(len(values), -1).T
        return {str(place): each for place, each in enumerate(columns)}

    @property
    def _path(self) -> Path:
        return (self.root.expanduser() / self.file).absolute()


def scales_and_forecast(text: str) -> tuple[list[Numeric], tuple[str, ...]]:
    """Each column's mean and deviation, and which are forecast, as a model keeps them.

    Raises:
        DataError: if the text is none of that.
    """
    try:
        kept = json.loads(text)
        return [Numeric(**each) for each in kept["columns"]], tuple(kept["forecast"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{SERIES}: is not the description of a series: {error!r}") from error
