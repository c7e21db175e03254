"""Cells of CSV files, which a spreadsheet opens: a text in them is a text there, and no formula."""

import re

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of one, four of them as East Asian keyboards write them."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def cell(value: object) -> object:
    """A value as it is, but a text that would be a formula behind a quote, as spreadsheets write such texts.

    >>> [cell("=A1+1"), cell("-1.5"), cell("-red"), cell(-1.5)]
    ["'=A1+1", '-1.5', "'-red", -1.5]
    """
    is_formula = isinstance(value, str) and value.startswith(FORMULA) and not NUMBER.fullmatch(value)
    return f"'{value}" if is_formula else value
