"""Calls that give something else each time: clocks, and random numbers that are not torch's."""

import random
import sys
from datetime import date
from types import FrameType, ModuleType, TracebackType
from typing import Any

import torch

from runner.process.generators import global_generators

CLOCKS = {
    "time": ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"),
    "posix": ("urandom", "getrandom", "times"),
    "nt": ("urandom",),
}
"""Functions of the standard library's modules, as those call themselves."""

SEEDING = ("manual_seed", "seed", "set_state")


class ImpureCalls:
    """A context that notes the first such call made in this thread.

    Where a profiler is at work already, clocks and Python's own generators are not seen.

    Attributes:
        found: the call, in words; None if there was none.
    """

    def __init__(self) -> None:
        self.found: str | None = None

    def __enter__(self) -> "ImpureCalls":
        self._before = global_generators()
        self._profiles = sys.getprofile() is None
        if self._profiles:
            sys.setprofile(self._profile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._profiles:
            sys.setprofile(None)
        for name, state in global_generators().items():
            if self.found is None and state != self._before[name]:
                self.found = name

    def _profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and self.found is None:
            self.found = impure(getattr(called, "__self__", None), getattr(called, "__name__", ""))


def impure(owner: object, name: str) -> str | None:
    """What a built-in function is called, if it gives something else each time."""
    if isinstance(owner, ModuleType):
        return f"{owner.__name__}.{name}" if name in CLOCKS.get(owner.__name__, ()) else None
    if isinstance(owner, random.Random):
        return f"random.{name}"
    if isinstance(owner, torch.Generator):
        return f"torch.Generator.{name}" if name in SEEDING else None
    is_date = isinstance(owner, type) and issubclass(owner, date) and name in ("now", "utcnow", "today")
    return f"datetime.{name}" if is_date else None
