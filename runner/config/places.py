"""Values of a config that name files of data, and where those lie."""

import os
from pathlib import Path

ROOT = "data.root"

MAY_BE_ANY_TEXT = "data.missing"
"""Where a text of data is no file's name: the tokens that stand for missing values."""


def is_place(key: str, value: object) -> bool:
    """Whether a value of data may name a file."""
    return key.startswith("data.") and isinstance(value, str) and not key.startswith(MAY_BE_ANY_TEXT)


def is_in(folder: Path, path: Path) -> bool:
    """Whether a path, which may start from a folder, ends in it; links are not followed."""
    return Path(os.path.abspath(folder / path)).is_relative_to(folder)  # noqa: PTH100 (resolve follows)
