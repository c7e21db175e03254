"""Names in an archive, whoever has written it: places below one folder, on every system the same."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from runner.errors import ConfigError

FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
"""Characters that no name has: of other systems' paths, drives and streams, and of no print."""

LONGEST, DEEPEST = 255, 32
"""Bytes of a part of a name, and parts of one."""


def refuse_unsafe(names: Iterable[str], whose: str) -> None:
    """Refuse names that leave the folder, or that some system takes for another name or for none.

    Raises:
        ConfigError: naming the first.
    """
    taken: dict[str, str] = {}
    for name in names:
        if (problem := problem_in(name)) is not None:
            raise ConfigError([f"{whose}: {name!r}: {problem}"])
        if (other := taken.setdefault(folded(name), name)) != name:
            raise ConfigError([f"{whose}: {name!r} and {other!r} are one name on some systems"])
    for name in taken.values():
        for folder in PurePosixPath(name).parents:
            if folded(str(folder)) in taken:
                raise ConfigError([f"{whose}: {str(folder)!r} is a file and a folder"])


def problem_in(name: str) -> str | None:
    """What is wrong with a name, if anything is."""
    parts = name.split("/")
    if len(parts) > DEEPEST or any(len(part.encode("utf-8", "replace")) > LONGEST for part in parts):
        return "is too long"
    if any(part in ("", ".", "..") or part != part.rstrip(" .") for part in parts):
        return "is no place below a folder"
    if FORBIDDEN.search(name) or not name.isprintable():
        return "has characters that a name may not have"
    return None


def folded(name: str) -> str:
    """A name as systems compare it that do not tell cases or compositions apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
