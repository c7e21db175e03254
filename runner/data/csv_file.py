"""A table in a text file with a header."""

import codecs
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.data.named_file import refuse_web_page
from runner.data.text_format import TextFormat
from runner.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame  # takes a good part of a second to import


def read_csv(path: Path, form: TextFormat | None) -> "DataFrame":
    """The rows of a CSV file with a header, all of them text: what a column is of follows from no one file.

    Args:
        path: the file.
        form: how it is written; None: as models of an earlier version want it, in types that pandas guesses.

    Raises:
        DataError: if it can't be read, or has none.
    """
    return read(partial(parse_guessed, path) if form is None else partial(parse_csv, path, form), path)


def parse_csv(path: Path, form: TextFormat) -> "DataFrame":
    """The rows of a CSV file; raises an OSError or ValueError if it is none."""
    import pandas as pd

    is_utf8 = codecs.lookup(form.encoding).name == "utf-8"
    try:
        rows = pd.read_csv(
            path,
            sep=form.separator,
            encoding="utf-8-sig" if is_utf8 else form.encoding,
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            index_col=False,
        )
    except UnicodeError as error:
        raise DataError(
            f"{path}: is not written in {form.encoding}: {error}. data.encoding says what it is: latin-1, "
            "cp1252, utf-16, …"
        ) from error
    return rows


def parse_guessed(path: Path, separator: str = ",") -> "DataFrame":
    """The rows of a CSV file, as the runner read them when models kept no ``TextFormat``."""
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
