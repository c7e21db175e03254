"""How the cells of a table are written: what separates them, what stands for nothing, what a number is."""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.errors import DataError

Token = str | int | float | None
"""A word of a config that stands for a missing value, as YAML reads it: null is the word null."""

MISSING = (
    "", "?", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Cells without a value, in any column: pandas' list, and the question mark of the UCI repository."""

MISSING_NUMBERS = (
    *MISSING, "-", "--", "---", ".", "..", "*", "na", "Na", "NAN", "Nan", "none", "NONE", "Null",
    "n.a.", "N.A.", "missing", "Missing", "#DIV/0!", "#NUM!", "#REF!", "#VALUE!",
)  # fmt: skip
"""Cells without a value where the others are numbers or dates."""


@dataclass(frozen=True)
class TextFormat:
    """What the text of a table means.

    Attributes:
        separator: what stands between two cells.
        decimal: what stands before a number's fraction.
        thousands: what stands between groups of its digits; None: nothing.
        encoding: of the file.
        missing: cells without a value, in any column.
        missing_numbers: cells without one in a column of numbers or dates.
    """

    separator: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    missing: tuple[str, ...] = MISSING
    missing_numbers: tuple[str, ...] = MISSING_NUMBERS

    @classmethod
    def of(
        cls,
        *,
        separator: str = ",",
        decimal: str = ".",
        thousands: str | None = None,
        encoding: str = "utf-8",
        missing: Sequence[Token] | None = None,
    ) -> "TextFormat":
        """A format as a config has it: a list of missing values replaces both, and empty cells.

        Raises:
            DataError: if two parts exclude each other, or there is no such encoding.
        """
        try:
            codecs.lookup(encoding)
        except LookupError:
            known = "utf-8, utf-16, latin-1, cp1252 and all others of Python"
            raise DataError(f"data.encoding: unknown '{encoding}'. Known: {known}") from None
        separator = separator.replace("\\t", "\t")  # which a command line can hardly say otherwise
        if decimal == separator:
            raise DataError(f"data.decimal: '{decimal}' is data.separator, too; such files use ';' or a tab")
        if thousands == decimal:
            raise DataError(f"data.thousands: '{thousands}' is data.decimal, too")
        if missing is None:
            return cls(separator, decimal, thousands, encoding)
        words = tuple(dict.fromkeys(["", *("null" if each is None else str(each) for each in missing)]))
        return cls(separator, decimal, thousands, encoding, words, words)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "TextFormat":
        """What ``dataclasses.asdict`` gave, once it has been JSON."""
        lists: Mapping[str, Any] = {name: tuple(given[name]) for name in ("missing", "missing_numbers")}
        return cls(**{**given, **lists})

    @property
    def number(self) -> str:
        """The regular expression of a number."""
        point = re.escape(self.decimal)
        digits = r"\d+"
        if self.thousands is not None:
            group = re.escape(self.thousands)
            digits = rf"(?:\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d+)"
        finite = rf"(?:{digits}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?"
        return rf"^[+-]?(?:{finite}|[iI]nf(?:inity)?|INF)$"

    @property
    def sentinels(self) -> list[float]:
        """The numbers that stand for a missing value, such as -999."""
        return [
            float(each)
            for each in self.missing_numbers
            if re.match(r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$", each)
        ]
