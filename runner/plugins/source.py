"""Where the code of a plugin lies: in files, or in a module's files; and digests of it. Nothing is run."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from runner.errors import ConfigError
from runner.plugins.beside import files_beside


@dataclass(frozen=True)
class Source:
    """The files of a plugin that is named by its file, as they were read.

    Attributes:
        path: the file that is named.
        content: what is in it.
        beside: what is in those of its folder that it imports, by their places there: ``helper.py``.
    """

    path: Path
    content: bytes
    beside: tuple[tuple[str, bytes], ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """What is in each file, by its place in the folder."""
        return {self.path.name: self.content, **dict(self.beside)}

    @property
    def digest(self) -> str:
        """A digest of all files; of one that imports none beside it, that file's."""
        if not self.beside:
            return digest(self.content)
        whole = hashlib.sha256(digest(self.content).encode())
        for place, content in self.beside:
            whole.update(f"{place}\0{digest(content)}".encode())
        return whole.hexdigest()


def is_file_name(name: str) -> bool:
    """Whether a plugin is named by its file."""
    return name.endswith(".py")


def read(path: Path) -> Source:
    """A plugin's file, and those beside it that it imports.

    Raises:
        ConfigError: if it is not there, or one cannot be read.
    """
    try:
        content = path.read_bytes()
        return Source(path, content, tuple(files_beside(path, content).items()))
    except FileNotFoundError as error:
        where = "a relative name starts from --config-dir's folder or from the launch folder"
        raise ConfigError([f"plugins: there is no file '{error.filename}'; {where}"]) from error
    except OSError as error:
        raise ConfigError([f"plugins: '{error.filename}' cannot be read: {error.strerror}"]) from error


def digest_of(name: str) -> str:
    """A digest of a plugin's code: of its file with those that it imports from its folder, or of its package.

    Raises:
        ConfigError: if a file cannot be read.
    """
    return read(Path(name)).digest if is_file_name(name) else digest_of_module(name)


def files_of(name: str) -> Mapping[str, str]:
    """The digest of each of a plugin's files, by the files' names.

    Raises:
        ConfigError: if one cannot be read.
    """
    if not is_file_name(name):
        return files_of_module(name)
    return {place: digest(content) for place, content in read(Path(name)).files.items()}


def digest(content: bytes) -> str:
    """A digest of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()


def digest_of_module(name: str) -> str:
    """A digest of a module's files."""
    found = hashlib.sha256(name.encode())
    for each in files_of_module(name).values():
        found.update(each.encode())
    return found.hexdigest()


@cache
def files_of_module(name: str) -> Mapping[str, str]:
    """The digests of a module's files by their names, as first asked for: a process imports a module once."""
    return {str(place): digest(file.read_bytes()) for place, file in located(name)}


def located(name: str) -> Iterator[tuple[Path, Path]]:
    """The Python files of a module's outermost package, or its one file; none where it has no files.

    Each comes with its place in the folder that the package lies in.
    """
    spec = PathFinder.find_spec(name.partition(".")[0])
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            for file in sorted(Path(folder).rglob("*.py")):
                yield file.relative_to(Path(folder).parent), file
    elif spec.origin is not None and Path(spec.origin).is_file():
        yield Path(Path(spec.origin).name), Path(spec.origin)
