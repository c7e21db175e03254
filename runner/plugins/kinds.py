"""What a plugin's components must be, table by table: what is wrong shows when they are registered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature, unwrap
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from runner.config.schema import STRICT
from runner.nn.layers.layer import Build, Layers
from runner.nn.link import LinkName
from runner.registry import BUILT_IN
from runner.types import Shape, Task


@dataclass(frozen=True)
class Kind:
    """What the classes of a table have in common.

    Attributes:
        made_with: what the program makes one with; all else is said by keyword-only arguments.
        methods: what is called, and with what.
        attributes: what is asked for besides, with its type: of the class, an argument, or set in its code.
        optional: the same for what may be left out.
    """

    made_with: tuple[str, ...] = ()
    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    optional: dict[str, Any] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    "LAYERS": Kind(("scope", "in_shape"), {"forward": ("store", "x")}),
    "INITIALIZERS": Kind(
        methods={"weight": ("W", "fans", "generator"), "bias": ("b", "fans", "generator")},
    ),
    "LOSSES": Kind(
        methods={"__call__": ("prediction", "target")},
        attributes={"tasks": tuple[Task, ...]},
        optional={"link": LinkName},
    ),
    "METRICS": Kind(
        methods={"__call__": ("prediction", "target")},
        attributes={"tasks": tuple[Task, ...], "name": str},
        optional={"smaller_is_better": bool},
    ),
    "RULES": Kind(
        methods={"init": ("params",), "step": ("params", "grads", "state", "lr")},
        attributes={"lr": float},
    ),
    "SCHEDULES": Kind(methods={"factor": ("moment",)}, attributes={"per_step": bool}),
    "SOURCES": Kind(
        methods={"load": ()},
        attributes={"task": Task, "in_shape": Shape, "out_shape": Shape},
    ),
}
"""The tables that a plugin may have."""


def problems_of(component: object, kind: Kind) -> Iterator[str]:
    """What is wrong with a component."""
    if not isinstance(component, type):
        yield f"is no class, but {component!r}"
        return
    parameters = signature(component).parameters.values()
    keywords = [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    others = [p.name for p in parameters if p.kind is not Parameter.KEYWORD_ONLY]
    if tuple(others) != kind.made_with:
        wanted = ", ".join((*kind.made_with, "*, …"))
        yield f"takes {signature(component)}, should take ({wanted}): its own arguments are keyword-only"
    yield from problems_of_annotations(component, keywords)
    for name, arguments in kind.methods.items():
        if not takes(defined(component, name), arguments):
            yield f"has no {name}({', '.join(('self', *arguments))})"
    for name, hint in (kind.attributes | kind.optional).items():
        value = defined(component, name)
        if value is None:
            is_argument = name in [parameter.name for parameter in keywords]
            if name in kind.attributes and not (is_argument or may_set(component, name)):
                yield f"has no {name}"
        elif not hasattr(value, "__get__"):  # a property's value is known later
            yield from problems_of_value(name, value, hint)


def problems_of_annotations(component: type, keywords: list[Parameter]) -> Iterator[str]:
    """What is wrong with the types of the arguments that a config gives."""
    try:
        hints = get_type_hints(component.__init__, include_extras=True)  # type: ignore[misc]  # read, not called
    except Exception as error:  # whatever evaluating an annotation raises
        yield f"has an annotation that cannot be read: {error}"
        return
    for name in (parameter.name for parameter in keywords):
        if name not in hints:
            yield f"has an argument without annotation: {name}"
        elif not is_checkable(hints[name]):
            yield f"has an argument whose type no config can give: {name}: {hints[name]}"


def is_checkable(hint: Any) -> bool:
    """Whether a config's words can be held against an annotation."""
    if hint in BUILT_IN.nested or hint in (Layers, Build, Build | None):
        return True
    try:
        TypeAdapter(hint, config=STRICT)
    except PydanticUserError:
        return False
    return True


def check_made(made: Any | None, table: str, path: str, problems: list[str]) -> Any | None:
    """A part as a config has it made, if it has the attributes of its table's parts; adds to ``problems``.

    Args:
        made: the part; None if there is none.
        table: its table.
        path: where the config names it.
        problems: get a line for each attribute that is missing or of another type.
    """
    kind, found = KINDS[table], len(problems)
    if made is None:
        return None
    for name, hint in (kind.attributes | kind.optional).items():
        value = getattr(made, name, None)
        if value is not None:
            problems.extend(
                f"{path}: {placed(type(made))} {told}" for told in problems_of_value(name, value, hint)
            )
        elif name in kind.attributes:
            problems.append(f"{path}: {placed(type(made))} sets no {name}")
    return made if len(problems) == found else None


def placed(component: type) -> str:
    """A class with the file and the line where its objects are made, as far as that is Python."""
    code = getattr(component.__init__, "__code__", None)  # type: ignore[misc]  # looked at, not called
    if code is None or not Path(code.co_filename).is_file():
        return component.__name__
    return f"{component.__name__} (line {code.co_firstlineno} of {code.co_filename})"


def problems_of_value(name: str, value: object, hint: Any) -> Iterator[str]:
    """What is wrong with an attribute that a component has."""
    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Input ")
        yield f"has {value!r} as {name}, which {told}"


def may_set(component: type, name: str) -> bool:
    """Whether code of a class or of its bases names an attribute, as an ``__init__`` does that sets it."""
    methods = [unwrap(each) for base in component.__mro__ for each in vars(base).values() if callable(each)]
    named = [each.__code__.co_names for each in methods if isinstance(each, FunctionType)]
    return any(name in names for names in named)


def defined(component: type, name: str) -> Any:
    """What a class or one of its bases says of a name; None if nothing."""
    return next((vars(base)[name] for base in component.__mro__ if name in vars(base)), None)


def takes(method: Any, arguments: tuple[str, ...]) -> bool:
    """Whether a method can be called with these, one after another."""
    if not callable(method):
        return False
    try:
        signature(method).bind("self", *arguments)
    except TypeError:
        return False
    return True
