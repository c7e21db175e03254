"""How the rows of a table become inputs and targets: fitted once, on what is trained on, and kept as JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.units import Units
from runner.errors import DataError, unknown

TABLE = "table.json"
"""The name of the file beside a model that has learnt from a table."""

Rows = Mapping[str, Any]
"""Columns by name, each a sequence of N values: a dict of lists or arrays, or pandas' DataFrame."""


@dataclass(frozen=True)
class Numeric:
    """A column of numbers, ``(x - mean) / std``; a missing one is the mean, so 0."""

    name: str
    mean: float
    std: float

    @classmethod
    def fit(cls, name: str, values: Sequence[Any]) -> "Numeric":
        """Mean and standard deviation of those that are not missing; a constant column becomes 0."""
        known = numbers(name, values)
        known = known[~np.isnan(known)]
        if not len(known):
            raise DataError(f"column '{name}': has no values to learn from, add it to data.ignore")
        return cls(name, float(known.mean()), float(known.std()) or 1.0)

    @property
    def width(self) -> int:
        """How many inputs it gives."""
        return 1

    def transform(self, values: Sequence[Any]) -> npt.NDArray[np.float64]:
        """``[N]`` values as ``[N, 1]``."""
        scaled = (numbers(self.name, values) - self.mean) / self.std
        return np.nan_to_num(scaled, nan=0.0)[:, None]

    def restore(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The way back: ``x std + mean``."""
        return values * self.std + self.mean


@dataclass(frozen=True)
class Categorical:
    """A column of categories, an input for each: 1 for a row's own, else 0.

    Values are compared as text. A missing value is a category of its own, None, if there were such ones to
    learn from; one that was not there then is all zeros.
    """

    name: str
    categories: tuple[str | None, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[Any]) -> "Categorical":
        """All categories that there are, missing ones last."""
        found = set(texts(values))
        known = sorted(each for each in found if each is not None)
        return cls(name, (*known, None) if None in found else tuple(known))

    @property
    def width(self) -> int:
        """How many inputs it gives."""
        return len(self.categories)

    def transform(self, values: Sequence[Any]) -> npt.NDArray[np.float64]:
        """``[N]`` values as ``[N, categories]``."""
        places = {category: place for place, category in enumerate(self.categories)}
        rows = [places.get(text, len(places)) for text in texts(values)]
        return np.eye(len(places) + 1, len(places))[rows]

    def restore(self, values: npt.NDArray[Any]) -> list[str | None]:
        """The way back ``[N, categories]`` to N values, as text; None is none that was learnt from."""
        return [self.categories[row.argmax()] if row.any() else None for row in values]


@dataclass(frozen=True)
class Table:
    """What a table's columns are, and how its rows become inputs ``[N, width]`` and targets.

    Attributes:
        columns: those that are inputs.
        label: the column that is to be said of a row.
        classes: its values, as text, in the order of a model's outputs; None if it is a number.
    """

    columns: tuple[Numeric | Categorical, ...]
    label: str
    classes: tuple[str, ...] | None

    @classmethod
    def fit(
        cls,
        rows: Rows,
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        label: str,
        classes: Sequence[str] | None,
    ) -> "Table":
        """Learn means, deviations and categories from the rows to train on.

        Raises:
            DataError: if a column is not there, or has not the values that it should have.
        """
        numbers_of = tuple(Numeric.fit(name, column(rows, name)) for name in numeric)
        categories_of = tuple(Categorical.fit(name, column(rows, name)) for name in categorical)
        return cls(numbers_of + categories_of, label, None if classes is None else tuple(classes))

    @property
    def width(self) -> int:
        """How many inputs a row gives."""
        return sum(each.width for each in self.columns)

    def transform(self, rows: Rows) -> Tensor:
        """The inputs, float32 ``[N, width]``; the label need not be there.

        Raises:
            DataError: if a column is not there, or has not the values that it should have.
        """
        parts = [each.transform(column(rows, each.name)) for each in self.columns]
        return torch.from_numpy(np.concatenate(parts, axis=1).astype(np.float32))

    def restore(self, inputs: Tensor) -> dict[str, list[Any]]:
        """The way back: a row for each of N inputs, numbers to 6 digits; what was missing is the mean."""
        ends = np.cumsum([each.width for each in self.columns])[:-1]
        found: dict[str, list[Any]] = {}
        for each, part in zip(self.columns, np.split(inputs.double().numpy(), ends, axis=1), strict=True):
            if isinstance(each, Categorical):
                found[each.name] = each.restore(part)
            else:
                found[each.name] = [float(f"{value:.6g}") for value in each.restore(part[:, 0])]
        return found

    def targets(self, rows: Rows) -> Tensor:
        """What is to be said of the rows: class indices int64 ``[N]``, or values float32 ``[N, 1]``.

        Raises:
            DataError: if one is missing, or none of the classes.
        """
        values = column(rows, self.label)
        if self.classes is None:
            wanted = numbers(self.label, values)
            if missing := np.isnan(wanted).sum():
                raise DataError(
                    f"column '{self.label}': is to be predicted, but {missing} rows have no value"
                )
            return torch.from_numpy(wanted.astype(np.float32))[:, None]
        places = {name: place for place, name in enumerate(self.classes)}
        found = texts(values)
        if missing := found.count(None):
            raise DataError(f"column '{self.label}': is to be predicted, but {missing} rows have no value")
        for each in set(found) - places.keys():
            raise DataError(unknown(f"column '{self.label}'", each, places, "unknown class"))
        return torch.tensor([places[str(each)] for each in found])

    def to_json(self) -> str:
        """The whole table as JSON text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Table":
        """What ``to_json`` gave.

        Raises:
            DataError: if the text is none of that.
        """
        try:
            given = json.loads(text)
            columns = tuple(
                Categorical(each["name"], tuple(each["categories"]))
                if "categories" in each
                else Numeric(**each)
                for each in given["columns"]
            )
            classes = given["classes"]
            return cls(columns, given["label"], None if classes is None else tuple(classes))
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{TABLE}: is not the description of a table: {error!r}") from error


@dataclass(frozen=True)
class Parts:
    """Rows to learn from, to test on, and those set apart, if any are."""

    train: Rows
    test: Rows
    val: Rows | None


def dataset(table: Table, parts: Parts, *, standardize_target: bool) -> Dataset:
    """Rows as a data set that keeps the table; values are standardised if wanted.

    Raises:
        DataError: if a column is not there, or has not the values that it should have.
    """

    def split(rows: Rows) -> Split:
        return Split(table.transform(rows), table.targets(rows))

    apart = None if parts.val is None else split(parts.val)
    data = Dataset(split(parts.train), split(parts.test), apart, preprocessing={TABLE: table.to_json()})
    if not standardize_target or data.train.task == "classification":
        return data
    return data.with_units(Units.fit(data.train.targets))


def learnt(kept: Mapping[str, str], label: str, parts: Callable[[], Parts]) -> Learnt:
    """Rows as a model that keeps a table takes them; ``label`` is what their target is called.

    Raises:
        DataError: if it keeps none.
    """
    table = replace(Table.from_json(kept_text(kept, TABLE)), label=label)
    return Learnt(
        task="regression" if table.classes is None else "classification",
        in_shape=(table.width,),
        out_shape=(1 if table.classes is None else len(table.classes),),
        load=lambda: dataset(table, parts(), standardize_target=False),
    )


def column(rows: Rows, name: str) -> Sequence[Any]:
    """A column's values.

    Raises:
        DataError: if there is no such column.
    """
    if name not in rows:
        raise DataError(unknown("the table", name, map(str, rows), "has no column"))
    values: Sequence[Any] = rows[name]
    return values


def numbers(name: str, values: Sequence[Any]) -> npt.NDArray[np.float64]:
    """Values as numbers ``[N]``, missing ones as NaN.

    Raises:
        DataError: if one is no number, or infinite.
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"column '{name}': is not of numbers: {error}") from error
    if np.isinf(found).any():
        raise DataError(f"column '{name}': has infinite values")
    return found


def texts(values: Sequence[Any]) -> list[str | None]:
    """Values as text, missing ones as None; 1 and 1.0 are one, since missing ones make floats of integers."""
    return [text(value) for value in values]


def text(value: Any) -> str | None:
    """One value as text."""
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
