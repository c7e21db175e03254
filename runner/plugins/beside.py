"""The files of a plugin's own folder that it imports, found in its text: nothing is run."""

import ast
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

NEVER_BESIDE = frozenset(("runner", "hydra_plugins", *sys.stdlib_module_names))
"""Modules that a plugin imports from elsewhere, whatever its folder holds."""

PACKAGE = "__init__.py"
"""The file that makes a package of a folder."""


def files_beside(path: Path, content: bytes) -> dict[str, bytes]:
    """What the files that a plugin imports from its folder hold, by their places in it.

    They are those that an import statement names, wherever in the code it stands, and those that they import
    in turn; of a package all Python files. Raises an OSError if one cannot be read.

    Args:
        path: the plugin's file.
        content: what is in it.
    """
    folder = path.parent
    found: dict[str, bytes] = {path.name: content}
    waiting = [path.name]
    while waiting:
        place = waiting.pop()
        for module in imported(found[place], package_of(place)):
            for file in files_of(folder, module):
                here = file.relative_to(folder).as_posix()
                if here not in found:
                    found[here] = file.read_bytes()
                    waiting.append(here)
    del found[path.name]
    return dict(sorted(found.items()))


def package_of(place: str) -> str:
    """The package that a file of the folder belongs to; empty for those that lie in the folder itself."""
    return ".".join(place.split("/")[:-1])


def imported(content: bytes, package: str) -> Iterator[str]:
    """The modules of the folder that a file's import statements may mean, by their full names in it.

    Args:
        content: the file's.
        package: the one that it belongs to.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):  # which is an error once it is run
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if may_be_beside(alias.name))
        elif isinstance(node, ast.ImportFrom) and (node.level or may_be_beside(node.module or "")):
            around = package.split(".") if package else []
            if node.level - 1 <= len(around):
                outer = around[: len(around) - node.level + 1] if node.level else []
                base = [*outer, *([node.module] if node.module else [])]
                yield from (".".join([*base, alias.name]) for alias in node.names)


def may_be_beside(module: str) -> bool:
    """Whether an absolute import may mean a file of the folder."""
    return module.partition(".")[0] not in NEVER_BESIDE


def files_of(folder: Path, module: str) -> list[Path]:
    """The folder's files that a module is made of: one file, or all Python files of its outermost package.

    A folder without ``__init__.py`` is no package; what is named in it is looked for.
    """
    place, names = folder, module.split(".")
    for depth, name in enumerate(names):
        inner = place / name
        if (inner / PACKAGE).is_file():
            return sorted(file for file in inner.rglob("*.py") if not is_hidden(file.relative_to(inner)))
        if inner.with_name(f"{name}.py").is_file():
            return [inner.with_name(f"{name}.py")]
        if not inner.is_dir() or (depth == 0 and is_elsewhere(name)):
            return []
        place = inner
    return []


def is_hidden(path: Path) -> bool:
    """Whether a file, or a folder that it lies in, is hidden, as editors' copies are."""
    return any(part.startswith(".") for part in path.parts)


def is_elsewhere(name: str) -> bool:
    """Whether the path has a module or package of the name, which goes before a folder that is none."""
    spec = PathFinder.find_spec(name)
    return spec is not None and spec.origin is not None
