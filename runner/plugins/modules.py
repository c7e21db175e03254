"""The modules that a plugin's files make, under names that no other plugin's have.

All files of a plugin are one package with a made-up name. In their code ``import helper`` means the file
beside them, if there is one: nothing is put on ``sys.path``, and two plugins may each have a ``helper.py``.
"""

import builtins
import importlib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.plugins.beside import PACKAGE, may_be_beside
from runner.plugins.source import Source, digest

PREFIX = "runner_plugin_"


class Files(MetaPathFinder):
    """Finds the modules of one plugin.

    Args:
        package: the name of the package that they are in.
        source: the plugin's files.
    """

    def __init__(self, package: str, source: Source) -> None:
        self._package, self._source = package, source
        self.main = f"{package}.{source.path.stem.replace('.', '_')}"
        self._files = dict(source.beside)
        self._beside = {place.partition("/")[0].removesuffix(".py") for place in self._files}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module's file, a package's, or a folder of files; None for other plugins' modules."""
        if fullname == self.main:
            return self._spec(fullname, self._source.path.name, self._source.content)
        package, _, rest = fullname.partition(".")
        if package != self._package or not rest:
            return None
        place = rest.replace(".", "/")
        for file in (f"{place}/{PACKAGE}", f"{place}.py"):
            if file in self._files:
                return self._spec(fullname, file, self._files[file])
        if any(file.startswith(f"{place}/") for file in self._files):
            return ModuleSpec(fullname, None, is_package=True)
        return None

    def _spec(self, fullname: str, place: str, content: bytes) -> ModuleSpec:
        file = str(self._source.path.parent / place)
        is_package = place.endswith(f"/{PACKAGE}")
        spec = ModuleSpec(fullname, Code(content, file, self), origin=file, is_package=is_package)
        spec.has_location = True
        return spec

    def import_module(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement in the plugin's code calls, as Python's own ``__import__``."""
        top = name.partition(".")[0]
        is_main = f"{self._package}.{top}" == self.main
        if level or not may_be_beside(top) or not (is_main or top in self._beside):
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        module = importlib.import_module(f"{self._package}.{name}")
        if not fromlist:
            return sys.modules[f"{self._package}.{top}"]
        return builtins.__import__(module.__name__, globals, locals, fromlist, 0)


class Code(Loader):
    """Runs a file of a plugin.

    Args:
        content: the file's.
        file: its path, for tracebacks.
        files: the plugin's, which its imports go to first.
    """

    def __init__(self, content: bytes, file: str, files: Files) -> None:
        self._content, self._file, self._files = content, file, files

    def exec_module(self, module: ModuleType) -> None:
        """Run it; whatever is written down beside it as compiled is not looked at."""
        namespace: dict[str, Any] = vars(module)
        namespace["__builtins__"] = {**vars(builtins), "__import__": self._files.import_module}
        exec(compile(self._content, self._file, "exec", dont_inherit=True), namespace)


@cache
def executed(source: Source) -> ModuleType:
    """The module that a plugin's file makes: one a path and content of its files."""
    package = PREFIX + digest(f"{source.path}\0{source.digest}".encode())[:16]
    files = Files(package, source)
    around = ModuleType(package)
    around.__path__ = []  # what is in it, the finder knows
    sys.modules[package] = around
    sys.meta_path.append(files)
    try:
        return importlib.import_module(files.main)
    except BaseException:
        sys.meta_path.remove(files)
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
            del sys.modules[name]
        raise


def is_of(path: Path, source: Source) -> bool:
    """Whether a file is one of a plugin's."""
    return path in {source.path.parent / place for place in source.files}
