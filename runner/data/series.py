"""Forecasting: windows over a time series, and the values that come after each."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from annotated_types import Len
from torch import Tensor

from runner.data.array_file import ArrayFile
from runner.data.cells import numbers
from runner.data.csv_file import read_csv
from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.table import Numeric, column
from runner.data.text_format import TextFormat, Token
from runner.data.units import Units
from runner.errors import DataError
from runner.types import PositiveInt, Shape, Share, Task

SERIES = "series.json"
"""The name of the file beside a model: each column's mean and deviation, and which are forecast."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Series:
    """A time series in windows ``[window, columns]``; targets are the next ``horizon`` values, flattened.

    A row is a time step. Columns are standardised by the rows that are learnt from; missing values are the
    mean in what a model sees, and windows with one among their targets are left out. The end of the series
    is tested on; its first windows look back at what is trained on.

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
        separator: of a CSV file what stands between two fields.
        decimal: what stands before a number's fraction.
        thousands: what stands between groups of three digits; None: nothing.
        encoding: of the file.
        missing: text that stands for a missing value, in place of the usual words such as NA and ?; empty
            cells always do.
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
    separator: Annotated[str, Len(1)] = ","
    decimal: Annotated[str, Len(1, 1)] = "."
    thousands: Annotated[str, Len(1, 1)] | None = None
    encoding: str = "utf-8"
    missing: tuple[Token, ...] | None = None

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
        learnt, steps = self._learnt(self._trained_on), self._steps
        scales = [Numeric.fit(name, column(steps, name)[:learnt], self._form) for name in self._inputs]
        return self._scaled(scales)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The series by the means and deviations that a model keeps, the same columns in the same order.

        Raises:
            DataError: if it keeps none.
        """
        scales, forecast, form = kept_series(kept_text(kept, SERIES))
        written = self if self._form != TextFormat() or form is None else self._written_in(form)
        source = replace(written, columns=tuple(each.name for each in scales), forecast=forecast)
        return Learnt(self.task, source.in_shape, source.out_shape, lambda: source._scaled(scales))

    @property
    def _trained_on(self) -> int:
        """How many steps come before those to test on."""
        steps = len(column(self._steps, self._inputs[0]))
        return steps - round(self.test * steps)

    def _scaled(self, scales: Sequence[Numeric]) -> Dataset:
        """The windows of the series, each column by its mean and deviation."""
        count = self._trained_on
        scaled = [scale.transform(column(self._steps, scale.name), self._form) for scale in scales]
        values = torch.from_numpy(np.concatenate(scaled, axis=1).astype(np.float32))
        kept = {
            "columns": [asdict(scale) for scale in scales],
            "forecast": self._forecast,
            "form": asdict(self._form),
        }
        forecast = [scales[self._inputs.index(name)] for name in self._forecast] * self.horizon
        units = Units(tuple(each.mean for each in forecast), tuple(each.std for each in forecast))
        train = self._windows("train", values[:count], self._observed[:count], units)
        before = max(count - self.window, 0)
        test = self._windows("test", values[before:], self._observed[before:], units)
        data = Dataset(train, test, preprocessing={SERIES: json.dumps(kept, indent=2, ensure_ascii=False)})
        return data if self.standardize_target else data.with_units(None)

    def _learnt(self, count: int) -> int:
        """How many of the steps to train on are in windows that are learnt from, or their targets."""
        windows = self._whole(self._observed[:count])[: self.limit]
        learnt = len(windows) - round((self.val or 0) * len(windows))
        last = int(windows[learnt - 1]) if learnt else -1
        return last + self.window + self.horizon

    def _whole(self, observed: Tensor) -> Tensor:
        """The first steps of the windows of which all targets were observed."""
        if len(observed) < self.window + self.horizon:
            return torch.zeros(0, dtype=torch.int64)
        return observed[self.window :].unfold(0, self.horizon, 1).all(1).nonzero().flatten()

    def _windows(self, part: str, values: Tensor, observed: Tensor, units: Units) -> Split:
        """Samples, which stay where the values are if all targets were observed, and targets."""
        if len(values) < self.window + self.horizon:
            raise DataError(
                f"{self._path}: {len(values)} of its steps are too few for a window of {self.window} and "
                f"{self.horizon} to forecast"
            )
        places = [self._inputs.index(name) for name in self._forecast]
        windows = values[: -self.horizon].unfold(0, self.window, 1).transpose(1, 2)
        nexts = values[self.window :, places].unfold(0, self.horizon, 1).transpose(1, 2)
        whole = self._whole(observed)
        if not len(whole):
            raise DataError(f"{self._path}: of its {part} part no window has all values that are forecast")
        if without := len(windows) - len(whole):
            log.warning(
                "%s: %s of the %s part's %s windows are left out, values that they forecast are missing",
                self._path.name, f"{without:,}", part, f"{len(windows):,}",
            )  # fmt: skip
            windows, nexts = windows[whole], nexts[whole]
        return Split(windows, nexts.flatten(1), in_order=True, units=units)

    @cached_property
    def _observed(self) -> Tensor:
        """Of each step whether all values that are forecast are there."""
        steps = [numbers(name, column(self._steps, name), self._form) for name in self._forecast]
        return torch.from_numpy(~np.isnan(steps).any(0))

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
            rows = read_csv(self._path, self._form)
            return {name: rows[name].to_numpy() for name in rows}
        values = ArrayFile.open(self._path).read().numpy()
        if values.ndim > 2:
            raise DataError(f"{self._path}: is {list(values.shape)}, a series is [steps] or [steps, columns]")
        columns = values.reshape(len(values), -1).T
        return {str(place): each for place, each in enumerate(columns)}

    @cached_property
    def _form(self) -> TextFormat:
        """What the text of the file means."""
        return TextFormat.of(
            separator=self.separator,
            decimal=self.decimal,
            thousands=self.thousands,
            encoding=self.encoding,
            missing=self.missing,
        )

    def _written_in(self, form: TextFormat) -> "Series":
        """The series, its file written as a model keeps it."""
        return replace(
            self,
            separator=form.separator,
            decimal=form.decimal,
            thousands=form.thousands,
            encoding=form.encoding,
            missing=None if form.missing == TextFormat.missing else form.missing,
        )

    @property
    def _path(self) -> Path:
        return (self.root.expanduser() / self.file).absolute()


def kept_series(text: str) -> tuple[list[Numeric], tuple[str, ...], TextFormat | None]:
    """Each column's mean and deviation, which are forecast, and what text means, as a model keeps them.

    Models of an earlier version keep no such meaning.

    Raises:
        DataError: if the text is none of that.
    """
    try:
        kept = json.loads(text)
        form = kept.get("form")
        return (
            [Numeric(**each) for each in kept["columns"]],
            tuple(kept["forecast"]),
            None if form is None else TextFormat.from_json(form),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{SERIES}: is not the description of a series: {error!r}") from error
