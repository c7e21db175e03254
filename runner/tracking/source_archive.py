"""The runner's own source in one archive, which Python imports from as it is."""

import io
import zipfile
from functools import cache
from pathlib import Path

import runner

ARCHIVE = "runner.zip"
"""Its name; a place of it on ``sys.path`` has ``import runner`` find what is in it."""

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive knows: the same files give the same bytes, whenever they were written."""


@cache
def source_archive() -> bytes:
    """A ZIP file of the package as this process has it, the same bytes for the same files."""
    return archive_of(Path(runner.__file__).parent)


def archive_of(package: Path) -> bytes:
    """A ZIP file of a package's folder, without what Python has compiled."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(package.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                entry = zipfile.ZipInfo(file.relative_to(package.parent).as_posix(), LONG_AGO)
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()
