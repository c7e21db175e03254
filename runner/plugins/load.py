"""A plugin's module, imported by its name or read from a file."""

import importlib
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from runner.errors import ConfigError
from runner.plugins import modules
from runner.plugins.answers import check_answers
from runner.plugins.kinds import KINDS
from runner.plugins.source import Source, digest_of_module, is_file_name, read

GROUP = "runner.plugins"
"""Entry points of installed packages under this name are plugins of every config."""


@dataclass(frozen=True)
class Plugin:
    """A module that holds components in tables: ``LAYERS = {"my_layer": MyLayer}``.

    Attributes:
        name: the module's name, or the path of its file.
        tables: what it holds, by the tables' names.
        module: the module's own name, one that was made up if it is named by its file.
        source: its files as they were read, if it is named by its file.
    """

    name: str
    tables: Mapping[str, Mapping[str, Any]]
    module: str
    source: Source | None = None

    @property
    def digest(self) -> str:
        """What tells its code from any other."""
        return digest_of_module(self.name) if self.source is None else self.source.digest


def load_all(names: Sequence[str]) -> tuple[Plugin, ...]:
    """Load the plugins that installed packages bring and those that are named, each once.

    Raises:
        ConfigError: if one cannot be imported or holds no table.
    """
    return tuple(load(name) for name in dict.fromkeys([*installed(), *names]))


@cache
def installed() -> tuple[str, ...]:
    """The modules that the entry points of installed packages name."""
    return tuple(point.value.replace(":", ".") for point in entry_points(group=GROUP))


def load(name: str) -> Plugin:
    """Load a plugin: a file if the name ends like one, else a module on the path.

    Raises:
        ConfigError: if it cannot be imported or holds no table.
    """
    source = read(Path(name)) if is_file_name(name) else None
    try:
        module = importlib.import_module(name) if source is None else modules.executed(source)
    except (Exception, SystemExit) as error:
        raise ConfigError([f"plugins: {reason(name, source, error)}"]) from error
    tables = {table: getattr(module, table) for table in KINDS if hasattr(module, table)}
    if not tables:
        raise ConfigError([f"plugins: {name}: has none of the tables {', '.join(KINDS)}"])
    for table, content in tables.items():
        if not isinstance(content, Mapping):
            raise ConfigError([f"plugins: {name}: {table} should be a mapping of names to classes"])
    check_answers(tables, module.__name__.partition(".")[0])
    return Plugin(name, tables, module.__name__, source)


def reason(name: str, source: Source | None, error: BaseException) -> str:
    """Why a plugin cannot be imported, and which of its lines is to blame."""
    if name.startswith(".") and not is_file_name(name):
        return f"'{name}' is no module's name, and no file's, which ends in .py"
    if isinstance(error, ModuleNotFoundError) and not is_file_name(name):
        missing = error.name or ""
        if f"{name}.".startswith(f"{missing}."):
            return f"there is no module '{missing}' on the path; a file is named with its ending, ./{name}.py"
    if isinstance(error, SyntaxError):
        file, line, told = error.filename or name, error.lineno, error.msg
    else:
        ours = (__file__, modules.__file__, importlib.__file__)
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [f for f in frames if f.filename not in ours and not f.filename.startswith("<frozen ")]
        own = [f for f in theirs if source is not None and modules.is_of(Path(f.filename), source)]
        blamed = own[-1:] or theirs[:1]
        file, line = (blamed[0].filename, blamed[0].lineno) if blamed else (name, None)
        told = as_written(" ".join(str(error).split()))
    place = f", line {line}" if line else ""
    if place and file != name:
        place += f" of {Path(file).name}"
    return f"{name}{place}: {type(error).__name__}: {told}"


def as_written(text: str) -> str:
    """A message that names a plugin's modules, as the plugin's own code names them."""
    return re.sub(rf"{modules.PREFIX}[0-9a-f]{{16}}\.?", "", text)
