"""The user's own table, in a CSV or Parquet file."""

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from annotated_types import Len
from torch import Tensor

from runner.data.categories import alike, different
from runner.data.cells import numbers, texts
from runner.data.column_types import MOST_CATEGORIES, ColumnType, Kind, listed, missing_tokens, type_of
from runner.data.csv_file import parse_csv, parse_guessed, read
from runner.data.dataset import Dataset, Split
from runner.data.learnt import Learnt
from runner.data.outliers import are_near, outlier
from runner.data.parquet_file import parse_parquet
from runner.data.picking import pick
from runner.data.table import READ, Numeric, Parts, Table, column, dataset, kept_table, learnt
from runner.data.text_format import TextFormat, Token
from runner.data.validation import Portion
from runner.errors import DataError
from runner.types import PositiveInt, Seed, Shape, Share, Task

if TYPE_CHECKING:
    from pandas import DataFrame, Series  # takes a good part of a second to import

MOST_CLASSES = 20
"""Whole numbers are taken for classes if no more of them differ."""

MOST_LINES = 10
"""Columns of which is said what is odd about them."""

NUMBERED = ("unnamed: 0", "", "index", "id", "row", "rownames", "row_id", "rowid", "row_names")
"""The names of a first column that may do no more than number the rows."""

WRITTEN = ("separator", "decimal", "thousands", "encoding")
"""The arguments that say how a CSV file is written."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A table with a header: a sample a row, one column that is to be said of it, the others inputs.

    Numbers are standardised, categories become an input each (``runner.data.table``); both are fitted to the
    rows that are learnt from, without those set apart, and kept beside the model.

    Args:
        root: the folder that the file names start from.
        file: the table.
        label: the column to be predicted.
        kind: whether that is a class or a value. None: a class if it is text, true or false, or at most 20
            different whole numbers, else a value.
        numeric: columns of numbers.
        categorical: columns of categories.
        ignore: columns that are no inputs. What is named in none of the three is of numbers or dates if all
            its values are that are not missing, else of categories; a first column that only numbers the
            rows is left out.
        missing: text that stands for a missing value, in place of the usual words such as NA and ?; empty
            cells always do.
        test_file: a second table, to test on.
        test: without it, the share of the rows that is set apart for testing, of each class as large.
        test_seed: which rows.
        limit: the first so many of the others are used; None: all.
        val: the share of those that is set apart, of each class as large.
        val_seed: which rows.
        standardize_target: whether values are learnt standardised, too, as classes never are.
    """

    root: Path
    file: Path
    label: Annotated[str, Len(1)]
    kind: Task | None = None
    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    missing: tuple[Token, ...] | None = None
    test_file: Path | None = None
    test: Share = 0.2
    test_seed: Seed = 0
    limit: PositiveInt | None = None
    val: Share | None = None
    val_seed: Seed = 0
    standardize_target: bool = True

    @property
    def task(self) -> Task:
        """As the config says, or as the column to be predicted does."""
        return self.kind or self._task

    @property
    def in_shape(self) -> Shape:
        """An input a number, and one a category."""
        return (self._table.width,)

    @property
    def out_shape(self) -> Shape:
        """One a class, or one value."""
        return (1 if self._table.classes is None else len(self._table.classes),)

    def load(self) -> Dataset:
        """Read the table, and make inputs and targets of it.

        Raises:
            DataError: if a file can't be read, or a column is missing or not what it should be.
        """
        data = dataset(self._table, self._rows_used(), standardize_target=self.standardize_target)
        notes = self._notes() + self._outliers(data.train)
        for note in notes[:MOST_LINES]:
            log.warning("%s", note)
        if len(notes) > MOST_LINES:
            log.warning("and something like that of %d more columns", len(notes) - MOST_LINES)
        return data

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The rows by a table that a model keeps, read as the text was that it has been trained on.

        Raises:
            DataError: if it keeps none.
        """
        table = kept_table(kept, self.label)
        source, form = self._written_in(table.form)
        return learnt(replace(table, form=form), source._rows_used)

    def _rows_used(self) -> Parts:
        train, val = self._cut
        return Parts(train, self._parts[1], val)

    @cached_property
    def _rows(self) -> "DataFrame":
        return self._read(self.file)

    @property
    def _labels(self) -> "Series":
        column(self._rows, self.label)  # which tells if there is none
        return self._rows[self.label]

    @cached_property
    def _task(self) -> Task:
        """Classes if the label is text or few whole numbers, else values.

        Raises:
            DataError: if it is of numbers that are not whole, but for some text.
        """
        labels, kind = self._labels, self._type_of(self.label)
        if kind.kind != "number":
            different = labels.nunique()
            if kind.reason and different > MOST_CLASSES and not self._is_typed:
                raise DataError(
                    f"column '{self.label}': {kind.reason}, data.kind=classification that there are "
                    f"{different} classes"
                )
            return "classification"
        values = numbers(self.label, labels, self._form)
        known = np.unique(values[~np.isnan(values)])
        is_class = len(known) <= MOST_CLASSES and (known % 1 == 0).all()
        return "classification" if is_class else "regression"

    @cached_property
    def _parts(self) -> "tuple[DataFrame, DataFrame]":
        """The rows to train on, to be cut once more, and those to test on."""
        rows = self._rows
        if self.test_file is not None:
            return rows, self._read(self.test_file)
        tested = pick(self._groups(rows), self.test, self.test_seed).numpy()
        if tested.all() or not tested.any():
            raise DataError(f"data.test: {self.test} of {len(rows)} rows sets {sum(tested)} of them apart")
        return rows[~tested], rows[tested]

    @cached_property
    def _cut(self) -> "tuple[DataFrame, DataFrame | None]":
        """The rows to learn from, and those set apart."""
        rows = self._parts[0]
        portion = Portion(limit=self.limit, val=self.val, val_seed=self.val_seed)
        learnt, apart = portion.cut(self._groups(rows))
        return rows[learnt.numpy()], rows[apart.numpy()] if apart.any() else None

    def _groups(self, rows: "DataFrame") -> Tensor:
        """Numbers ``[N]`` of which rows of one class have the same."""
        if self.task == "regression":
            return torch.zeros(len(rows), dtype=torch.int64)
        names = texts(rows[self.label], self._form)
        shared = {name: name and alike(name) for name in dict.fromkeys(names)}
        places = {name: place for place, name in enumerate(dict.fromkeys(shared.values()))}
        groups = {name: places[each] for name, each in shared.items()}
        return torch.tensor([groups[name] for name in names])

    @cached_property
    def _table(self) -> Table:
        """Fitted to the rows to learn from."""
        train, kinds = self._cut[0], self._inputs
        of_kind: dict[Kind, list[str]] = {"number": [], "date": [], "category": []}
        for name, kind in kinds.items():
            of_kind[kind].append(name)
        self._refuse_many(train, of_kind["category"])
        classes = classes_of(self._labels, self._form) if self.task == "classification" else None
        return Table.fit(
            train,
            numeric=of_kind["number"],
            dates=of_kind["date"],
            categorical=of_kind["category"],
            label=self.label,
            classes=classes,
            form=self._form,
        )

    @cached_property
    def _inputs(self) -> dict[str, Kind]:
        """The columns that are inputs, in the order in which they are fitted: those named first."""
        named = [self.label, *self.numeric, *self.categorical, *self.ignore]
        for name in named:
            column(self._rows, name)  # which tells if there is none
            if named.count(name) > 1:
                raise DataError(f"column '{name}': is named {named.count(name)} times")
        for name in (self.label, *self.categorical):
            self._type_of(name)  # which refuses lists
        inputs: dict[str, Kind] = dict.fromkeys(self.numeric, "number")
        inputs |= dict.fromkeys(self.categorical, "category")
        inputs |= {name: self._type_of(name).kind for name in self._unnamed}
        if not inputs:
            raise DataError(f"data.label: beside column '{self.label}' there is none to learn from")
        return inputs

    @property
    def _unnamed(self) -> list[str]:
        """The columns that the config leaves to their values, without one that numbers the rows."""
        named = {self.label, *self.numeric, *self.categorical, *self.ignore}
        return [name for name in self._rows if name not in named and name != self._numbering]

    @cached_property
    def _numbering(self) -> str | None:
        """The first column, if it does no more than number the rows and the config does not name it."""
        name = str(self._rows.columns[0])
        if name in {self.label, *self.numeric, *self.categorical, *self.ignore}:
            return None
        if name.strip().lower() not in NUMBERED or self._type_of(name).kind != "number":
            return None
        values = numbers(name, self._rows[name], self._form)
        is_running = values[0] in (0, 1) and len(values) > 1 and (np.diff(values) == 1).all()
        return name if is_running else None

    def _type_of(self, name: str) -> ColumnType:
        if name not in self._types:
            self._types[name] = type_of(self._rows[name], self._form, is_typed=self._is_typed)
        return self._types[name]

    @cached_property
    def _types(self) -> dict[str, ColumnType]:
        """Those of the columns that have been asked for."""
        return {}

    def _refuse_many(self, rows: "DataFrame", names: Sequence[str]) -> None:
        """Refuse columns of more categories than are likely wanted.

        Raises:
            DataError: if there is one that the config does not name.
        """
        for name in names:
            if name not in self.categorical and (many := rows[name].nunique()) > MOST_CATEGORIES:
                reason = self._type_of(name).reason
                why = f": {reason}" if reason else ""
                raise DataError(
                    f"column '{name}': has {many} different values{why}. Name it in data.categorical, if it "
                    f"is to be {many} inputs, or in data.ignore"
                )

    def _notes(self) -> list[str]:
        """Lines on what was found in the file that a user may want otherwise."""
        notes = []
        if self._numbering is not None:
            notes.append(
                f"column '{self._numbering}': numbers the rows and is left out, "
                f"data.numeric=['{self._numbering}'] makes it an input"
            )
        notes += [
            f"column '{each.name}': numbers as large as {each.mean:.6g} are rounded, its values are hardly "
            f"different. If they are ids, data.ignore=[{each.name}] leaves them out"
            for each in self._table.columns
            if isinstance(each, Numeric) and each.is_rounded
        ]
        if self._table.classes is not None and len(self._table.classes) == 1:
            notes.append(f"column '{self.label}': all rows have the same class, '{self._table.classes[0]}'")
        count = f"{len(self._rows):,}"
        for name, kind in self._inputs.items():
            if kind == "category" and name not in self.categorical and (reason := self._type_of(name).reason):
                notes.append(
                    f"column '{name}': is of categories, since {reason}. data.numeric=[{name}] makes it one "
                    f"of numbers, data.categorical=[{name}] leaves this line out"
                )
            if tokens := missing_tokens(self._rows[name], kind, self._form):
                notes.append(
                    f"column '{name}': {tokens.total():,} of {count} values are missing: {listed(tokens)}"
                )
        return notes

    def _outliers(self, train: Split) -> list[str]:
        """Lines on columns, the label among them, of which a few values leave no difference to the others."""
        ends = np.cumsum([each.width for each in self._table.columns])
        columns = zip(self._table.columns, train.samples[:, ends - 1].numpy().T, strict=True)
        names = [each.name for each, scaled in columns if isinstance(each, Numeric) and are_near(scaled)]
        if train.units is not None and are_near(train.targets[:, 0].numpy()):
            names.append(self.label)
        notes = []
        for name in names:
            values = READ[self._inputs.get(name, "number")](name, self._cut[0][name], self._form)
            if (far := outlier(values[~np.isnan(values)])) is not None:
                notes.append(
                    f"column '{name}': {far:g} is so far from the others that these are hardly different "
                    f"once the column is standardised; 'data.missing=[{far:g}]' if it stands for none"
                )
        return notes

    def _read(self, file: Path) -> "DataFrame":
        """A table's rows.

        Raises:
            DataError: if it can't be read, or has none.
        """
        path = (self.root.expanduser() / file).absolute()
        return read(partial(self._parse, path), path)

    @cached_property
    def _form(self) -> TextFormat:
        """What the text of the table means."""
        return TextFormat.of(missing=self.missing)

    def _written_in(self, form: TextFormat | None) -> "tuple[TableFile, TextFormat | None]":
        """The table as a model that keeps a format reads it, and the format that its text has then."""
        return self, form

    @property
    @abstractmethod
    def _is_typed(self) -> bool:
        """Whether the file itself says which columns are text."""

    @abstractmethod
    def _parse(self, path: Path) -> "DataFrame":
        """The file's rows; raises an OSError or ValueError if it has none such."""


@dataclass(frozen=True, kw_only=True)
class CSV(TableFile):
    """A table as text, the first line naming the columns. Empty fields, NA and the like are missing values.

    How it is written, and which column is of what, is kept beside the model and holds for all tables that it
    predicts for.

    Args:
        separator: what stands between two fields.
        decimal: what stands before a number's fraction.
        thousands: what stands between groups of three digits; None: nothing.
        encoding: of the file.
    """

    separator: Annotated[str, Len(1)] = ","
    decimal: Annotated[str, Len(1, 1)] = "."
    thousands: Annotated[str, Len(1, 1)] | None = None
    encoding: str = "utf-8"

    @cached_property
    def _form(self) -> TextFormat:
        return TextFormat.of(
            separator=self.separator,
            decimal=self.decimal,
            thousands=self.thousands,
            encoding=self.encoding,
            missing=self.missing,
        )

    def _written_in(self, form: TextFormat | None) -> tuple[TableFile, TextFormat | None]:
        if form is None:
            return GuessedCSV(**{each.name: getattr(self, each.name) for each in fields(self)}), None
        if any(getattr(self, name) != getattr(CSV, name) for name in WRITTEN):  # the config says how
            return self, replace(form, **{name: getattr(self, name) for name in WRITTEN})
        return replace(self, **{name: getattr(form, name) for name in WRITTEN}), form

    @property
    def _is_typed(self) -> bool:
        return False

    def _parse(self, path: Path) -> "DataFrame":
        return parse_csv(path, self._form)


@dataclass(frozen=True, kw_only=True)
class GuessedCSV(CSV):
    """A CSV file as models of an earlier version were trained on it: in the types that pandas guesses."""

    def _parse(self, path: Path) -> "DataFrame":
        return parse_guessed(path, self.separator)


@dataclass(frozen=True, kw_only=True)
class Parquet(TableFile):
    """A table in Apache Parquet's format, whose columns have types: text is of categories."""

    @property
    def _is_typed(self) -> bool:
        return True

    def _parse(self, path: Path) -> "DataFrame":
        return parse_parquet(path)


def classes_of(labels: "Series", form: TextFormat) -> Sequence[str]:
    """The different values of a column, as text: numbers by size, else by the alphabet."""
    found = {text for text in different(labels, form) if text is not None}
    try:
        return sorted(found, key=lambda text: (float(text), text))
    except ValueError:
        return sorted(found)
