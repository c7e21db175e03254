"""Image files in folders, without what file managers and editors leave there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIXES = {
    ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
}  # fmt: skip

SYSTEM_FOLDERS = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
"""Folders that are no user's; as little as hidden ones, whose names begin with a dot, are they classes."""


def folders_in(folder: Path) -> list[str]:
    """The names of the folders in a folder, without hidden ones and those of the system."""
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if each.is_dir() and is_users(Path(each.name)))


def images_in(folder: Path) -> Sequence[Path]:
    """The image files in a folder and those below it, without hidden ones."""
    return sorted(filter(is_image, files_in(folder)))


def files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder and those below it, without hidden ones."""
    return (file for file in folder.rglob("*") if is_users(file.relative_to(folder)) and not file.is_dir())


def is_users(path: Path) -> bool:
    """Whether nothing on the way to a file is hidden or of the system."""
    return not any(part.startswith(".") or part in SYSTEM_FOLDERS for part in path.parts)


def is_image(path: Path) -> bool:
    """Whether a path is called as an image is."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()
