"""A column's values, of a file or of memory, as text, numbers or dates: one way for all of them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from runner.data.text_format import TextFormat
from runner.errors import DataError

if TYPE_CHECKING:  # both take a good part of a second to import, and tables of numbers need neither
    import pyarrow as pa
    from pandas import Series

DATE = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
"""A date, or date and time, as ISO 8601 writes them."""

TRUTH = {"True": 1.0, "true": 1.0, "TRUE": 1.0, "False": 0.0, "false": 0.0, "FALSE": 0.0}
"""What true and false are in a column that is named as one of numbers."""

SHOWN = 3
"""As many examples of wrong values a message has."""

MICROSECONDS_A_DAY = 86_400_000_000


def texts(values: Sequence[Any], form: TextFormat) -> list[str | None]:
    """Values as text, missing ones as None."""
    missing = {*form.missing}
    if is_text(values):
        coded = whole_text(values).dictionary_encode()
        words = [None if text.strip() in missing else text for text in coded.dictionary.to_pylist()]
        return [None if place is None else words[place] for place in coded.indices.to_pylist()]
    cells = values.tolist() if hasattr(values, "tolist") else values
    return [None if text is None or text.strip() in missing else text for text in map(text_of, cells)]


def text_of(value: Any) -> str | None:
    """One value as text; 1 and 1.0 are one, since missing ones make floats of integers."""
    if isinstance(value, str):
        return value
    if is_missing(value):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def is_missing(value: Any) -> bool:
    """None, NaN, and pandas' NaT and NA, which no truth can be had of."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def numbers(name: str, values: Sequence[Any], form: TextFormat) -> npt.NDArray[np.float64]:
    """Values as numbers ``[N]``, missing ones as NaN.

    True is 1 and false 0, a duration its seconds.

    Raises:
        DataError: if one is no number, or infinite.
    """
    found = numbers_in(name, values, form)
    if np.isinf(found).any():
        raise DataError(f"column '{name}': has infinite values")
    found[np.isin(found, form.sentinels)] = np.nan
    return found


def numbers_in(name: str, values: Sequence[Any], form: TextFormat) -> npt.NDArray[np.float64]:
    """Values of any type as numbers, infinite ones too."""
    column: Any = values
    kind = getattr(getattr(values, "dtype", None), "kind", "O")
    if kind in "biuf":
        if not hasattr(values, "to_numpy"):
            return np.array(values, dtype=float)
        read: npt.NDArray[np.float64] = column.to_numpy(float, na_value=np.nan).copy()  # or pandas' NA
        return read
    if is_text(values):
        return numbers_of_text(name, column, form)
    if kind == "m":
        return np.asarray(values, dtype="timedelta64[us]").astype(float) / 1e6
    cells = list(values)
    are_text = np.array([isinstance(cell, str) for cell in cells], dtype=bool)
    found = np.empty(len(cells))
    found[are_text] = numbers_of_text(name, [cell for cell in cells if isinstance(cell, str)], form)
    try:
        found[~are_text] = [
            np.nan if is_missing(cell) else float(cell) for cell in cells if not isinstance(cell, str)
        ]
    except (TypeError, ValueError) as error:
        raise DataError(f"column '{name}': is not of numbers: {error}") from error
    return found


def is_text(values: Sequence[Any]) -> bool:
    """Whether values are a column that pandas has as text, whose cells need not be looked at one by one."""
    return getattr(getattr(values, "dtype", None), "name", "") in ("str", "string")


def numbers_of_text(name: str, cells: "Sequence[str] | Series", form: TextFormat) -> npt.NDArray[np.float64]:
    """Text as numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = trimmed_text(cells)
    missing = without_value(trimmed, form)
    if not pc.any(missing).as_py() and (read := plain_numbers(trimmed, form)) is not None:
        return np.array(read)
    fits = pc.match_substring_regex(trimmed, form.number)
    truth = pc.is_in(trimmed, pa.array([*TRUTH]))
    refuse_others("numbers", name, trimmed, pc.or_(pc.or_(missing, fits), truth))
    plain = pc.if_else(pc.or_(missing, truth), None, trimmed)
    if form.thousands is not None:
        plain = pc.replace_substring(plain, form.thousands, "")
    if form.decimal != ".":
        plain = pc.replace_substring(plain, form.decimal, ".")
    found: npt.NDArray[np.float64] = plain.cast(pa.float64()).to_numpy(zero_copy_only=False).copy()
    if pc.any(truth).as_py():
        places = truth.to_numpy(zero_copy_only=False)
        found[places] = [TRUTH[each] for each in trimmed.filter(truth).to_pylist()]
    return found


def days(name: str, values: Sequence[Any], form: TextFormat) -> npt.NDArray[np.float64]:
    """Dates as days since 1970-01-01, with their fraction ``[N]``; without a time zone they are of UTC.

    Raises:
        DataError: if one is no date.
    """
    import pandas as pd

    cells: Any = values
    if getattr(getattr(values, "dtype", None), "kind", "O") != "M":
        cells = [cell.strip() if isinstance(cell, str) else cell for cell in values]
        cells = [None if is_missing(cell) or cell in form.missing_numbers else cell for cell in cells]
        others = [cell for cell in cells if cell is not None and not is_date(cell)]
        if others:
            raise DataError(f"column '{name}': is not of dates: {examples(list(map(str, others)))}")
    try:
        stamps = pd.DatetimeIndex(pd.to_datetime(pd.Series(cells), utc=True, format="ISO8601")).as_unit("us")
    except ValueError as error:
        raise DataError(f"column '{name}': is not of dates: {error}") from error
    return np.where(stamps.isna(), np.nan, stamps.asi8 / MICROSECONDS_A_DAY)


def is_date(cell: Any) -> bool:
    """Whether a value is a date, or text as ISO 8601 writes one."""
    return bool(re.match(DATE, cell)) if isinstance(cell, str) else isinstance(cell, date)


def trimmed_text(cells: "Sequence[str] | Series") -> "pa.Array":
    """Text without the blanks around it."""
    import pyarrow.compute as pc

    trimmed: pa.Array = pc.utf8_trim_whitespace(pc.fill_null(whole_text(cells), ""))
    return trimmed


def whole_text(cells: "Sequence[str] | Series") -> "pa.Array":
    """Text in one piece, missing values as null."""
    import pyarrow as pa

    found = pa.array(cells, pa.large_string(), from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def plain_numbers(trimmed: "pa.Array", form: TextFormat) -> "pa.Array | None":
    """Text that is of finite numbers alone, as most columns are, read at once; None if it is not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if (form.decimal, form.thousands) != (".", None):
        return None
    try:
        found = trimmed.cast(pa.float64())
    except pa.ArrowInvalid:
        return None
    return found if pc.all(pc.is_finite(found)).as_py() else None


def without_value(trimmed: "pa.Array", form: TextFormat) -> "pa.Array":
    """The cells that stand for a missing number or date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: pa.Array = pc.is_in(trimmed, pa.array(form.missing_numbers, trimmed.type))
    return found


def refuse_others(what: str, name: str, trimmed: "pa.Array", fits: "pa.Array") -> None:
    """Refuse cells that are not what a column is of.

    Raises:
        DataError: if there are such.
    """
    import pyarrow.compute as pc

    others = trimmed.filter(pc.invert(fits))
    if len(others):
        raise DataError(f"column '{name}': is not of {what}: {examples(others.to_pylist())}")


def examples(values: Sequence[str]) -> str:
    """The first few different values, quoted, and how many there are."""
    different = list(dict.fromkeys(values))
    shown = ", ".join(repr(each) for each in different[:SHOWN])
    more = ", …" if len(different) > SHOWN else ""
    return f"{shown}{more} ({len(values)} {'value' if len(values) == 1 else 'values'})"
