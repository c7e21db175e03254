"""How the rows of a table become inputs and targets: fitted once, on what is trained on, and kept as JSON."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from runner.data.categories import Categories, different
from runner.data.cells import days, numbers, texts
from runner.data.column_types import listed
from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt, kept_text
from runner.data.scale import mean_and_std
from runner.data.text_format import TextFormat
from runner.data.units import Units
from runner.errors import DataError, unknown
from runner.process.room import free_memory

log = logging.getLogger(__name__)

TABLE = "table.json"
"""The name of the file beside a model that has learnt from a table."""

Rows = Mapping[str, Any]
"""Columns by name, each a sequence of N values: a dict of lists or arrays, or pandas' DataFrame."""

AS_IT_IS = TextFormat(missing=(), missing_numbers=("",))
"""How models of an earlier version read text: no word stands for a missing value."""

READ = {"number": numbers, "date": days}
"""What reads a column's values as numbers, by its kind."""

NAMED = 5
"""As many categories that were not trained on are named."""

EPOCH = datetime(1970, 1, 1)
"""From which dates are counted."""


@dataclass(frozen=True)
class Numeric:
    """A column of numbers, ``(x - mean) / std``; a missing one is the mean, so 0.

    Attributes:
        name: of the column.
        mean: of the rows that are trained on.
        std: likewise; 1 for a column that never varies.
        kind: of numbers, or of dates, which are days since 1970-01-01.
    """

    name: str
    mean: float
    std: float
    kind: Literal["number", "date"] = "number"

    @classmethod
    def fit(
        cls,
        name: str,
        values: Sequence[Any],
        form: TextFormat = AS_IT_IS,
        kind: Literal["number", "date"] = "number",
    ) -> "Numeric":
        """Mean and standard deviation of those that are not missing; a constant column becomes 0.

        Raises:
            DataError: if there are none, one is none of the kind, or they are too large.
        """
        known = READ[kind](name, values, form)
        known = known[~np.isnan(known)]
        if not len(known):
            raise DataError(f"column '{name}': has no values to learn from, add it to data.ignore")
        return cls(name, *mean_and_std(f"column '{name}'", known), kind)

    @property
    def width(self) -> int:
        """How many inputs it gives."""
        return 1

    @property
    def is_rounded(self) -> bool:
        """Whether its values differ by little more than float64 rounds them, as ids above 2^53 do."""
        return bool(np.spacing(abs(self.mean)) > self.std / 1024)

    def transform(self, values: Sequence[Any], form: TextFormat = AS_IT_IS) -> npt.NDArray[np.float64]:
        """``[N]`` values as ``[N, 1]``.

        Raises:
            DataError: if one is none of the kind, or too far from the mean for float32.
        """
        read = READ[self.kind](self.name, values, form)
        with np.errstate(over="ignore"):
            scaled = (read - self.mean) / self.std
        if (far := np.abs(scaled) > np.finfo(np.float32).max).any():
            raise DataError(
                f"column '{self.name}': {read[far][0]:g} is too far from the mean that was learnt, "
                f"{self.mean:g} with a standard deviation of {self.std:g}"
            )
        return np.nan_to_num(scaled, nan=0.0)[:, None]

    def restore(self, values: npt.NDArray[Any]) -> list[Any]:
        """The way back, ``x std + mean``: numbers to 6 digits, dates as ISO 8601 writes them."""
        found = (values * self.std + self.mean).tolist()
        if self.kind == "number":
            return [float(f"{value:.6g}") for value in found]
        return [(EPOCH + timedelta(seconds=round(value * 86_400))).isoformat() for value in found]


@dataclass(frozen=True)
class Categorical:
    """A column of categories, an input for each: 1 for a row's own, else 0.

    Values are compared as text, see ``Categories``. A missing value is a category of its own, None, if there
    were such ones to learn from; one that was not there then is all zeros.
    """

    name: str
    categories: tuple[str | None, ...]

    @classmethod
    def fit(cls, name: str, values: Sequence[Any], form: TextFormat = AS_IT_IS) -> "Categorical":
        """All categories that there are, missing ones last."""
        found = different(values, form)
        known = sorted(each for each in found if each is not None)
        return cls(name, (*known, None) if None in found else tuple(known))

    @property
    def width(self) -> int:
        """How many inputs it gives."""
        return len(self.categories)

    def transform(self, values: Sequence[Any], form: TextFormat = AS_IT_IS) -> npt.NDArray[np.float32]:
        """``[N]`` values as ``[N, categories]``."""
        places = Categories(self.categories).places(values, form)
        found = [(row, place) for row, place in enumerate(places) if place is not None]
        inputs = np.zeros((len(places), self.width), np.float32)
        inputs[tuple(np.array(found, dtype=np.int64).reshape(-1, 2).T)] = 1
        return inputs

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
        form: what text means that was trained on, and means in any other file; None: a model of an earlier
            version keeps none.
    """

    columns: tuple[Numeric | Categorical, ...]
    label: str
    classes: tuple[str, ...] | None
    form: TextFormat | None = None

    @classmethod
    def fit(
        cls,
        rows: Rows,
        *,
        numeric: Sequence[str],
        categorical: Sequence[str],
        label: str,
        classes: Sequence[str] | None,
        dates: Sequence[str] = (),
        form: TextFormat | None = None,
    ) -> "Table":
        """Learn means, deviations and categories from the rows to train on.

        Raises:
            DataError: if a column is not there, or has not the values that it should have.
        """
        form = form or TextFormat()
        columns: tuple[Numeric | Categorical, ...] = (
            *(Numeric.fit(name, column(rows, name), form) for name in numeric),
            *(Numeric.fit(name, column(rows, name), form, "date") for name in dates),
            *(Categorical.fit(name, column(rows, name), form) for name in categorical),
        )
        return cls(columns, label, None if classes is None else tuple(classes), form)

    @property
    def width(self) -> int:
        """How many inputs a row gives."""
        return sum(each.width for each in self.columns)

    def transform(self, rows: Rows, name: str = "the rows") -> Tensor:
        """The inputs, float32 ``[N, width]``; the label need not be there.

        Categories that are not the table's are logged.

        Args:
            rows: columns by name.
            name: of the rows, in messages.

        Raises:
            DataError: if a column is not there, has not the values that it should have, or gives more inputs
                than fit into memory.
        """
        values, form = [column(rows, each.name) for each in self.columns], self.form or AS_IT_IS
        inputs = self._zeros(len(values[0]), name)
        parts = np.split(inputs, np.cumsum([each.width for each in self.columns])[:-1], axis=1)
        for each, part, cells in zip(self.columns, parts, values, strict=True):
            part[:] = each.transform(cells, form)
            if isinstance(each, Categorical):
                report_unseen(name, each.name, cells, part.sum(1) == 0, form)
        return torch.from_numpy(inputs)

    def _zeros(self, count: int, name: str) -> npt.NDArray[np.float32]:
        """Memory for the inputs of so many rows."""
        widest = max(self.columns, key=lambda each: each.width)
        needed, memory = 4 * count * (self.width + widest.width), free_memory()
        if needed > memory:
            raise DataError(
                f"{name}: {count:,} samples of {self.width:,} inputs do not fit into memory, they take "
                f"{needed / 2**30:,.1f} GiB of {memory / 2**30:,.1f} GiB; column '{widest.name}' alone gives "
                f"{widest.width:,} inputs, data.ignore leaves it out"
            )
        return np.zeros((count, self.width), np.float32)

    def restore(self, inputs: Tensor) -> dict[str, list[Any]]:
        """The way back: a row for each of N inputs, numbers to 6 digits; what was missing is the mean."""
        ends = np.cumsum([each.width for each in self.columns])[:-1]
        parts = np.split(inputs.double().numpy(), ends, axis=1)
        return {
            each.name: each.restore(part if isinstance(each, Categorical) else part[:, 0])
            for each, part in zip(self.columns, parts, strict=True)
        }

    def targets(self, rows: Rows) -> Tensor:
        """What is to be said of the rows: class indices int64 ``[N]``, or values float64 ``[N, 1]``.

        What is around a large mean is lost in float32, as the seconds of a time stamp are.

        Raises:
            DataError: if one is missing, or none of the classes.
        """
        values, form = column(rows, self.label), self.form or AS_IT_IS
        if self.classes is None:
            wanted = numbers(self.label, values, form)
            if missing := int(np.isnan(wanted).sum()):
                raise DataError(self._lacks(missing))
            return torch.from_numpy(wanted)[:, None]
        found = texts(values, form)
        if missing := found.count(None):
            words = {str(value).strip() for value in values if isinstance(value, str)}
            raise DataError(self._lacks(missing, words & {*form.missing} - {""}))
        places = Categories(self.classes).places(values, form)
        for text, place in zip(found, places, strict=True):
            if place is None:
                raise DataError(unknown(f"column '{self.label}'", text, self.classes, "unknown class"))
        return torch.tensor(places)

    def _lacks(self, missing: int, words: Collection[str] = ()) -> str:
        """The message that rows have no label."""
        told = f"column '{self.label}': is to be predicted, but {missing} rows have no value"
        named = ", ".join(map(repr, sorted(words)))
        return f"{told}; {named} counts as missing, data.missing=[] keeps it as a class" if words else told

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
            classes, form = given["classes"], given.get("form")
            return cls(
                columns,
                given["label"],
                None if classes is None else tuple(classes),
                None if form is None else TextFormat.from_json(form),
            )
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

    def split(rows: Rows, name: str) -> Split:
        return Split(table.transform(rows, f"data: the {name} part"), table.targets(rows))

    apart = None if parts.val is None else split(parts.val, "validation")
    train, test = split(parts.train, "training"), split(parts.test, "test")
    data = Dataset(train, test, apart, preprocessing={TABLE: table.to_json()})
    if not standardize_target or data.train.task == "classification":
        return data
    return data.with_units(Units.fit(data.train.targets))


def kept_table(kept: Mapping[str, str], label: str) -> Table:
    """The table that a model keeps; the rows' target is called ``label``.

    Raises:
        DataError: if it keeps none.
    """
    return replace(Table.from_json(kept_text(kept, TABLE)), label=label)


def learnt(table: Table, parts: Callable[[], Parts]) -> Learnt:
    """Rows as a model that keeps a table takes them."""
    return Learnt(
        task="regression" if table.classes is None else "classification",
        in_shape=(table.width,),
        out_shape=(1 if table.classes is None else len(table.classes),),
        load=lambda: dataset(table, parts(), standardize_target=False),
    )


def report_unseen(
    rows: str, name: str, values: Sequence[Any], unseen: npt.NDArray[np.bool_], form: TextFormat
) -> None:
    """Log how many of a column's values are categories that were not trained on, and which.

    Args:
        rows: the name of the rows.
        name: that of the column.
        values: of the column, ``[N]``.
        unseen: where they are such, ``[N]``.
        form: what text means.
    """
    places = unseen.nonzero()[0].tolist()
    if not places:
        return
    cells = values.tolist() if hasattr(values, "tolist") else values
    found = Counter(text or "" for text in texts([cells[place] for place in places], form))
    more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
    log.warning(
        "%s: column '%s': %s of %s values are no category that the model was trained on, so all its inputs "
        "are 0: %s%s",
        *(rows, name, f"{len(places):,}", f"{len(cells):,}"),
        *(listed(Counter(dict(found.most_common(NAMED)))), more),
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
