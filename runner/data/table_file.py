"""The user's own table, in a CSV or Parquet file."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import torch
from annotated_types import Len
from torch import Tensor

from runner.data.dataset import Dataset
from runner.data.learnt import Learnt
from runner.data.named_file import refuse_more_than_memory, refuse_web_page
from runner.data.picking import pick
from runner.data.table import Parts, Table, column, dataset, learnt, texts
from runner.data.validation import Portion
from runner.errors import DataError
from runner.types import PositiveInt, Seed, Shape, Share, Task

if TYPE_CHECKING:
    from pandas import DataFrame, Series  # takes a good part of a second to import

MOST_CLASSES = 20
"""Whole numbers are taken for classes if no more of them differ."""

MOST_CATEGORIES = 100
"""Texts are taken for categories if no more of them differ; more have to be asked for."""


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
        ignore: columns that are no inputs. What is named in none of the three is of numbers if its values
            are, else of categories.
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
    test_file: Path | None = None
    test: Share = 0.2
    test_seed: Seed = 0
    limit: PositiveInt | None = None
    val: Share | None = None
    val_seed: Seed = 0
    standardize_target: bool = True

    @property
    def task(self) -> Task:
        """As told, or as the column to be predicted says."""
        return self.kind or kind_of(self._labels)

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
        return dataset(self._table, self._rows_used(), standardize_target=self.standardize_target)

    def as_learnt(self, kept: Mapping[str, str]) -> Learnt:
        """The rows by a table that a model keeps.

        Raises:
            DataError: if it keeps none.
        """
        return learnt(kept, self.label, self._rows_used)

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
        names = texts(rows[self.label])
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        return torch.tensor([places[name] for name in names])

    @cached_property
    def _table(self) -> Table:
        """Fitted to the rows to learn from."""
        labels, train = self._labels, self._cut[0]
        numeric, categorical = self._inputs_in(train)
        classes = classes_of(labels) if self.task == "classification" else None
        return Table.fit(train, numeric=numeric, categorical=categorical, label=self.label, classes=classes)

    def _inputs_in(self, rows: "DataFrame") -> tuple[list[str], list[str]]:
        """The columns that are inputs, of numbers and of categories."""
        named = [self.label, *self.numeric, *self.categorical, *self.ignore]
        for name in named:
            column(rows, name)  # which tells if there is none
            if named.count(name) > 1:
                raise DataError(f"column '{name}': is named {named.count(name)} times")
        others = [name for name in rows if name not in named]
        inferred = [name for name in others if not is_numeric(rows[name])]
        for name in inferred:
            if (many := rows[name].nunique()) > MOST_CATEGORIES:
                raise DataError(
                    f"column '{name}': has {many} different values. Name it in data.categorical, if it is "
                    f"to be {many} inputs, or in data.ignore"
                )
        numeric = [*self.numeric, *(name for name in others if name not in inferred)]
        categorical = [*self.categorical, *inferred]
        if not numeric and not categorical:
            raise DataError(f"data.label: beside column '{self.label}' there is none to learn from")
        return numeric, categorical

    def _read(self, file: Path) -> "DataFrame":
        """A table's rows.

        Raises:
            DataError: if it can't be read, or has none.
        """
        path = (self.root.expanduser() / file).absolute()
        return read(partial(self._parse, path), path)

    @abstractmethod
    def _parse(self, path: Path) -> "DataFrame":
        """The file's rows; raises an OSError or ValueError if it has none such."""


@dataclass(frozen=True, kw_only=True)
class CSV(TableFile):
    """A table as text, the first line naming the columns. Empty fields, NA and the like are missing values.

    Args:
        separator: what stands between two fields.
    """

    separator: Annotated[str, Len(1)] = ","

    def _parse(self, path: Path) -> "DataFrame":
        return parse_csv(path, self.separator)


@dataclass(frozen=True, kw_only=True)
class Parquet(TableFile):
    """A table in Apache Parquet's format."""

    def _parse(self, path: Path) -> "DataFrame":
        import pandas as pd
        from pyarrow import parquet

        told = parquet.read_metadata(path)
        refuse_more_than_memory(path, 8 * told.num_rows * told.num_columns)
        return pd.read_parquet(path)


def kind_of(labels: "Series") -> Task:
    """Whether a column is of classes or of values."""
    whole = is_numeric(labels) and (labels.dropna() % 1 == 0).all()
    is_class = not is_numeric(labels) or (whole and labels.nunique() <= MOST_CLASSES)
    return "classification" if is_class else "regression"


def classes_of(labels: "Series") -> Sequence[str]:
    """The different values of a column, as text: numbers by size, else by the alphabet."""
    return [str(each) for each in texts(sorted(labels.dropna().unique()))]


def is_numeric(values: "Series") -> bool:
    """Whether a column is of numbers; true and false are none."""
    from pandas.api import types

    return bool(types.is_numeric_dtype(values) and not types.is_bool_dtype(values))


def read_csv(path: Path) -> "DataFrame":
    """The rows of a CSV file with a header.

    Raises:
        DataError: if it can't be read, or has none.
    """
    return read(partial(parse_csv, path, ","), path)


def parse_csv(path: Path, separator: str) -> "DataFrame":
    """The rows of a CSV file; raises an OSError or ValueError if it is none."""
    import pandas as pd

    return pd.read_csv(path, sep=separator, index_col=False)


def read(parse: "Callable[[], DataFrame]", path: Path) -> "DataFrame":
    """A table's rows.

    Raises:
        DataError: if it can't be read, or has none.
    """
    refuse_web_page(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # pandas warns of rows that are too long, and cuts them
            rows = parse()
    except DataError:
        raise
    except Exception as error:  # pandas and pyarrow raise all kinds of a damaged file
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as a table: {reason}") from error
    if rows.empty:
        raise DataError(f"{path}: has no rows")
    return rows
