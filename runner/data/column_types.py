"""A column's type, found once in the table that is trained on: numbers, dates or categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from runner.data.cells import (
    DATE,
    days,
    examples,
    is_text,
    plain_numbers,
    text_of,
    trimmed_text,
    without_value,
)
from runner.data.text_format import TextFormat
from runner.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import Series

MOST_CATEGORIES = 100
"""Texts are taken for categories if no more of them differ; more have to be asked for."""

CODE = r"^[+-]?0\d"
"""How a number begins that is a code: of 007 the noughts matter."""

MARKED = (
    r"^[-+\x{2212}(]?\s?[$€£¥]?\s?[-+\x{2212}]?"
    r"(?:\d{1,3}(?:[.,' \x{a0}\x{202f}]\d{3})+|\d+)(?:[.,]\d+)?(?:[eEdD][-+]?\d+)?"
    r"\s?[%‰$€£¥]?\)?$"
)
"""A number with marks that only the config can explain, or a sign that is no part of it: 1,234.5 or 12 %."""

OTHER_DATE = r"^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[T ]+\d{1,2}:\d{2}.*)?$"
"""A date as it is written in some places: 31.01.2024 or 1/31/2024."""

Kind = Literal["number", "date", "category"]


@dataclass(frozen=True)
class ColumnType:
    """A type, and what a user should know of how it was found.

    Attributes:
        kind: the type.
        reason: why the column is of categories, though they look like numbers or dates; or empty.
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
    others = []
    if plain_numbers(cells, form) is None:
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
    if len(others) > len(cells) / 2:
        return ColumnType("category", written_otherwise(cells))
    reason = (
        f"{examples(others)} of {len(cells):,} are no numbers; data.missing=[…] says what stands for none"
    )
    return ColumnType("category", reason)


def written_otherwise(cells: "pa.Array") -> str:
    """Why text is of categories though all of it looks like numbers or dates; empty if it doesn't."""
    import pyarrow.compute as pc

    if pc.all(pc.match_substring_regex(cells, MARKED)).as_py():
        reason = "look like numbers with other marks: data.decimal and data.thousands name them, signs of "
        return f"{examples(cells.to_pylist())} {reason}units have to be taken out of the file"
    if pc.all(pc.match_substring_regex(cells, OTHER_DATE)).as_py():
        return f"{examples(cells.to_pylist())} look like dates, which are read as 2024-01-31 alone"
    return ""


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
