"""A file that a user has named, looked at before anything reads it."""

import stat
from pathlib import Path

from runner.errors import DataError
from runner.process.room import free_memory

HEAD = 512
"""Bytes in which a web page shows that it is one."""

PAGES = (b"<!doctype html", b"<html")


def refuse_what_is_no_file(path: Path) -> None:
    """Look whether there is a file with something in it: a pipe would be waited for, a device may never end.

    Raises:
        DataError: if it is not there, may not be read, is a folder, a pipe or a device, or empty.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise DataError(f"{path}: is a folder, a file is expected")
        if not stat.S_ISREG(found.st_mode):
            raise DataError(f"{path}: is a pipe or a device, a file is expected")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:  # ValueError: of a zero byte in its name
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not found.st_size:
        raise DataError(f"{path}: is empty")


def refuse_web_page(path: Path) -> None:
    """Refuse what is no data file, or a page that a server has sent in place of one.

    Raises:
        DataError: if it is.
    """
    refuse_what_is_no_file(path)
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGES):
        raise DataError(f"{path}: looks like a web page, not like data: its download has failed")


def refuse_more_than_memory(path: Path, size: int) -> None:
    """Refuse what would not fit into free memory once it is unpacked.

    Raises:
        DataError: if ``size`` bytes do not.
    """
    memory = free_memory()
    if size > memory:
        raise DataError(
            f"{path}: takes {size / 2**30:,.1f} GiB when it is unpacked, there are "
            f"{memory / 2**30:,.1f} GiB of free memory"
        )
