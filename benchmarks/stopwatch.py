"""Where the main thread's time goes: functions of a program are told apart as they are called, from outside.

Phases exclude one another: while a function of one phase runs, the clock of the phase that called it stands
still. Imports are a phase too, wherever in the program they happen.
"""

import builtins
import functools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident
from time import perf_counter
from typing import Any

IMPORTS = "imports"

Phases = Mapping[str, str]
"""Phases by the functions that belong to them: ``{"package.module:Class.method": "opening"}``."""


class Stopwatch:
    """Seconds a phase, of the thread that made it.

    Args:
        phases: the functions to be timed; each is found as soon as its module has been imported.
    """

    def __init__(self, phases: Phases) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._waiting = dict(phases)
        self._running: list[str] = []
        self._since = 0.0
        self._thread = get_ident()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """The time within is this phase's, but for what belongs to phases within it."""
        if get_ident() != self._thread:
            yield
            return
        self._read()
        self._running.append(name)
        try:
            yield
        finally:
            self._read()
            self._running.pop()

    def _read(self) -> None:
        now = perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time imports while the context lasts, and the functions of the phases from their import on."""
        original = builtins.__import__

        def watched(*args: Any, **kwargs: Any) -> Any:
            if get_ident() != self._thread or IMPORTS in self._running[-1:]:
                return original(*args, **kwargs)
            with self.phase(IMPORTS):
                module = original(*args, **kwargs)
            self.find_functions()
            return module

        builtins.__import__ = watched
        try:
            yield
        finally:
            builtins.__import__ = original

    def find_functions(self) -> None:
        """Put the clock around the functions whose modules are there by now.

        Raises:
            AttributeError: if a module has no such function.
        """
        for place in list(self._waiting):
            module, _, path = place.partition(":")
            if module in sys.modules:
                *owners, name = path.split(".")
                owner = functools.reduce(getattr, owners, sys.modules[module])
                setattr(owner, name, self._timed(getattr(owner, name), self._waiting.pop(place)))

    def _timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.phase(phase):
                return function(*args, **kwargs)

        return timed
