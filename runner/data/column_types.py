"""A column's type, found once in the table that is trained on: numbers, dates or categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from runner.data.cells import DATE, days, examples, is_text, text_of, trimmed_text, without_value
from runner.data.text_format import TextFormat
from runner.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import Series

MOST_CATEGORIES = 100
"""Texts are taken for categories if no more of them differ; more have to be asked for."""

CODE = r"^[+-]?0\d"
"""How a number begins that is a code: of 007 the noughts matter."""

Kind = Literal["number", "date", "category"]


@dataclass(frozen=True)
class ColumnType:
    """A type, and what a user should know of how it was found.

    Attributes:
        kind: the type.
        reason: why the column is of categories, though most of its values are numbers; empty: no reason.
    """

    kind: Kind
    reason: str = ""


def type_of(values: "Series", form: TextFormat, *, is_typed: bool) -> ColumnType:
    """The type of a column.

    Args:
        values: all of the file that is trained on, also the rows that are set apart.
        form: what its text means.
        is_typed: whether the file says itself what is text, as Parquet does and CSV does not.

    Raises:
        DataError: if it holds lists or other things that are no values.
    """
    from pandas import CategoricalDtype

    if isinstance(values.dtype, CategoricalDtype) or values.dtype.kind == "b":
        return ColumnType("category")
    if values.dtype.kind in "iufm":
        return ColumnType("number")
    if values.dtype.kind == "M":
        return ColumnType("date")
    known = values.dropna()
    kinds = set(known.map(type)) if values.dtype == object else {str}
    if kinds <= {int, float, Decimal} or not len(known):
        return ColumnType("number")
    if all(issubclass(each, date) for each in kinds):
        return ColumnType("date")
    if kinds <= {str}:
        return type_of_text(trimmed_text(known), form, is_typed=is_typed)
    if kinds <= {str, bool, int, float}:
        return ColumnType("category")
    odd = sorted(each.__name__ for each in kinds - {str, bool, int, float})
    raise DataError(
        f"column '{values.name}': holds {', '.join(odd)}, which are no inputs, add it to data.ignore"
    )


def type_of_text(cells: "pa.Array", form: TextFormat, *, is_typed: bool) -> ColumnType:
    """The type of a column of text, blanks around it left out."""
    import pyarrow.compute as pc

    cells = cells.filter(pc.invert(without_value(cells, form)))
    is_number = pc.match_substring_regex(cells, form.number)
    others = cells.filter(pc.invert(is_number)).to_pylist()
    if is_typed:
        reason = "" if len(others) > len(cells) / 2 else "the file has it as text"
        return ColumnType("category", reason)
    if not others:
        codes = cells.filter(pc.match_substring_regex(cells, CODE)).to_pylist()
        if codes and pc.count_distinct(cells).as_py() <= MOST_CATEGORIES:
            return ColumnType("category", f"{examples(codes)} with a leading 0 are codes")
        return ColumnType("number")
    looks_dated = pc.all(pc.match_substring_regex(cells, DATE)).as_py()
    if looks_dated and are_dates(others):
        return ColumnType("date")
    mixed = len(others) <= len(cells) / 2
    reason = (
        f"{examples(others)} of {len(cells):,} are no numbers; data.missing=[…] says what stands for none"
    )
    return ColumnType("category", reason if mixed else "")


def are_dates(cells: list[str]) -> bool:
    """Whether text that looks like dates is of days that there are."""
    try:
        days("", cells, TextFormat())
    except DataError:
        return False
    return True


def missing_tokens(values: "Series", kind: Kind, form: TextFormat) -> Counter[str]:
    """The words that stand for missing values, with how many there are of each."""
    tokens = form.missing if kind == "category" else form.missing_numbers
    found = Counter(words_among(values, tokens))
    counted = Counter({token: found[token] for token in tokens if found[token]})
    if empty := int(values.isna().sum()):
        counted[""] += empty
    return counted


def words_among(values: "Series", tokens: Sequence[str]) -> list[str]:
    """The values, without the blanks around them, that are one of some words."""
    if not is_text(values):
        words = (text.strip() for text in map(text_of, values.tolist()) if text is not None)
        return [word for word in words if word in tokens]
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = trimmed_text(values.dropna())
    found: list[str] = cells.filter(pc.is_in(cells, pa.array(tokens, cells.type))).to_pylist()
    return found


def listed(tokens: Counter[str]) -> str:
    """Such words in a line: ``3 '?', 1 empty``."""
    named = {token: repr(token) if token else "empty" for token in tokens}
    return ", ".join(f"{count:,} {named[token]}" for token, count in tokens.most_common())
