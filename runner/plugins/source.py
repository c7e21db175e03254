"""Where the code of a plugin lies: in a file, or in a module's files; and a digest of it. Nothing is run."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

from runner.errors import ConfigError


def is_file_name(name: str) -> bool:
    """Whether a plugin is named by its file."""
    return name.endswith(".py")


def read(path: Path) -> bytes:
    """A plugin file's content.

    Raises:
        ConfigError: if it is not there or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        where = "a relative name starts from --config-dir's folder or from the launch folder"
        raise ConfigError([f"plugins: there is no file '{path}'; {where}"]) from error
    except OSError as error:
        raise ConfigError([f"plugins: '{path}' cannot be read: {error.strerror}"]) from error


def digest_of(name: str) -> str:
    """What tells a plugin's code from any other: of its file, or of all Python files of its package.

    Raises:
        ConfigError: if its file cannot be read.
    """
    return digest(read(Path(name))) if is_file_name(name) else digest_of_module(name)


def digest(source: bytes) -> str:
    """A digest of a file's content, in hex."""
    return hashlib.sha256(source).hexdigest()


@cache
def digest_of_module(name: str) -> str:
    """That of a module's files when it is first asked for: a process imports a module only once."""
    found = hashlib.sha256(name.encode())
    for file in files_of_module(name):
        found.update(digest(file.read_bytes()).encode())
    return found.hexdigest()


def files_of_module(name: str) -> Iterator[Path]:
    """The Python files of a module's outermost package, or its one file; none where it has no files."""
    spec = PathFinder.find_spec(name.partition(".")[0])
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        for folder in spec.submodule_search_locations:
            yield from sorted(Path(folder).rglob("*.py"))
    elif spec.origin is not None and Path(spec.origin).is_file():
        yield Path(spec.origin)
