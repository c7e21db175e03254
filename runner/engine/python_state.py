"""State that Python keeps beside the tensors, which a recorded step would never change again.

A recorded step repeats operators on tensors. A counter that a plugin's layer counts up, a list that it
appends to, a numpy generator that it draws from stay what they were when the step was recorded. So such
state is listed before a call and after it. Tensors count as the same as long as they are the same objects in
the same memory: what is written into them is recorded.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Set
from functools import partial
from time import perf_counter_ns
from types import FunctionType, GeneratorType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from runner.engine.recording import storage_of
from runner.process.generators import held_by

OWN = ("runner", "torch", "numpy", "builtins")
"""Packages whose classes and modules keep nothing in Python from one step to the next."""

ATOMS = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)

LONG = 1000
"""Items from which on a container is compared by a hash, if it has one."""

MOST = 100_000
"""Values after which a listing ends: a plugin may hold whatever its author likes."""

State = dict[str, Any]
"""Values by where they are: ``model.layers.a1.n``."""

Places = Iterator[tuple[str, Any]]


class Watch:
    """Lists the Python state of the parts that a step calls.

    Args:
        parts: by what a user calls them: ``model``, ``loss``, ``optim``.
    """

    def __init__(self, parts: Mapping[str, object]) -> None:
        self._parts = parts
        self._is_needed: bool | None = None

    @property
    def is_needed(self) -> bool:
        """Whether anybody else's part is among them: the runner's own keep everything in tensors."""
        if self._is_needed is None:
            self._is_needed = Listing(self._parts).has_foreign
        return self._is_needed

    def look(self) -> State:
        """The state as it is now; nothing if it need not be watched."""
        return Listing(self._parts).state if self.is_needed else {}


def difference(before: State, after: State) -> str | None:
    """The first place where two states differ; None if they don't."""
    places = [*before, *(place for place in after if place not in before)]
    for place in places:
        if place not in before or place not in after or not is_same(before[place], after[place]):
            return place.removesuffix("#")
    return None


def is_same(one: object, other: object) -> bool:
    """Whether two listed values are the same."""
    if isinstance(one, tuple) and isinstance(other, tuple) and one and isinstance(one[0], Tensor):
        return one[0] is other[0] and one[1:] == other[1:]
    return one == other


class Listing:
    """A walk over everything that can be reached from some parts.

    Attributes:
        state: what was found.
        has_foreign: whether there are objects of somebody else's classes.
    """

    def __init__(self, parts: Mapping[str, object]) -> None:
        self.state: State = {}
        self.has_foreign = False
        self._seen: dict[int, object] = {}  # held, so that no other object gets the same id
        waiting: deque[tuple[str, Any]] = deque(parts.items())
        while waiting and len(self._seen) < MOST:
            place, value = waiting.popleft()
            if isinstance(value, ATOMS):
                self.state[place] = repr(value)
            elif id(value) not in self._seen:
                self._seen[id(value)] = value
                waiting.extend(self._enter(place, value))

    def _enter(self, place: str, value: Any) -> Places:
        """List a value that is one piece, or give what is in it."""
        kind = type(value)
        if isinstance(value, Tensor):
            self.state[place] = value, memory_of(value)
        elif (held := held_by(value)) is not None:
            self.state[place] = held
        elif isinstance(value, Mapping | list | tuple | Set | deque):
            yield from self._items(place, value)
        elif isinstance(value, ModuleType):
            yield from of_module(value)
        elif isinstance(value, type):
            yield from of_class(value)
        elif isinstance(value, FunctionType):
            yield from of_function(place, value)
        elif isinstance(value, MethodType):
            yield from ((f"{place}.__self__", value.__self__), (f"{place}.__func__", value.__func__))
        elif isinstance(value, partial):
            yield from ((f"{place}.func", value.func), (f"{place}.args", (value.args, value.keywords)))
        elif isinstance(value, Iterator) and is_own(kind.__module__):
            yield f"{place}()", position_of(value)
        elif isinstance(value, SimpleNamespace) or not is_own(kind.__module__):
            self.has_foreign = True
            yield from (*attributes(place, value), (f"{place}.__class__", kind))
        elif kind.__module__.partition(".")[0] in ("runner", "torch"):
            yield from attributes(place, value)

    def _items(self, place: str, value: Any) -> Places:
        self.state[f"{place}#"] = len(value)
        if isinstance(value, Mapping):
            items = [*value.items()]
        else:
            items = [*enumerate(sorted(value, key=repr) if isinstance(value, Set) else value)]
        try:
            if len(items) > LONG:
                self.state[place] = hash(tuple(items))
                return
        except TypeError:  # there are lists or dicts in it
            pass
        yield from ((f"{place}.{key}", item) for key, item in items)
        yield from attributes(place, value)  # those of a class that is derived from a list


def attributes(place: str, value: object) -> Places:
    """What an object holds, in a dictionary or in slots."""
    yield from within(place, getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        names = vars(base).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield f"{place}.{name}", getattr(value, name)


def of_class(value: type) -> Places:
    """What somebody else's class, its bases and its module hold."""
    if not is_own(value.__module__):
        yield from within(value.__name__, vars(value))
        yield from ((base.__name__, base) for base in value.__bases__)
        yield value.__module__, sys.modules.get(value.__module__)


def of_module(value: ModuleType) -> Places:
    """What a user's own module holds at its top; nothing of those that a package manager has installed."""
    file = str(getattr(value, "__file__", None) or "").replace("\\", "/")
    if file and not is_own(value.__name__) and not {"site-packages", "dist-packages"} & {*file.split("/")}:
        yield from within(file.rpartition("/")[2], vars(value))


def of_function(place: str, value: FunctionType) -> Places:
    """What somebody else's function holds: attributes, what it closes over, its defaults and its module."""
    if is_own(value.__module__ or ""):
        return
    yield from within(place, vars(value))
    for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
        try:
            yield f"{place}.{name}", cell.cell_contents
        except ValueError:  # nothing is in it yet
            continue
    yield f"{place}.__defaults__", value.__defaults__
    yield f"{place}.__kwdefaults__", value.__kwdefaults__
    yield value.__module__ or "", sys.modules.get(value.__module__ or "")


def within(place: str, values: Mapping[str, object]) -> Places:
    """What a namespace holds, without what Python puts there."""
    for name, value in [*values.items()]:
        if isinstance(value, FunctionType | classmethod | staticmethod | property):
            yield f"{place}.{name}", function_of(value)
        elif not (name.startswith("__") and name.endswith("__")):
            yield f"{place}.{name}", value


def function_of(value: Any) -> object:
    """The function in what Python makes of a method."""
    return value.fget if isinstance(value, property) else getattr(value, "__func__", value)


def position_of(value: Iterator[Any]) -> object:
    """How far an iterator has come; another each time where it doesn't say so."""
    if isinstance(value, GeneratorType):
        frame = value.gi_frame
        return None if frame is None else (frame.f_lasti, dict(frame.f_locals))
    try:
        reduced: Callable[[], object] = value.__reduce__
        return reduced()
    except TypeError:
        return perf_counter_ns()


def is_own(module: str) -> bool:
    """Whether a module is the runner's, torch's, numpy's or the standard library's."""
    root = module.partition(".")[0]
    return root in OWN or root in sys.stdlib_module_names


def memory_of(tensor: Tensor) -> int | None:
    """The memory that a tensor has; None where it has none of its own, as under ``torch.vmap``."""
    try:
        return storage_of(tensor)
    except (RuntimeError, NotImplementedError):
        return None
