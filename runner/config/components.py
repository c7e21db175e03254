"""``{type: <name>, <arguments>}``: the name looked up, the arguments held against the class's signature."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from runner.config.schema import STRICT, NamedLayers, keys_at
from runner.errors import nearest, unknown
from runner.nn.layers.adopted import PREFIX, Adopted, arguments_of, find_module, module_names
from runner.nn.layers.layer import Build, Layers
from runner.registry import BUILT_IN, Registry

NOTHING: Mapping[str, str] = MappingProxyType({})

LAYERS = TypeAdapter(NamedLayers, config=STRICT)


def component(
    registry: Registry,
    table: Mapping[str, Callable[..., Any]],
    path: str,
    given: object,
    problems: list[str],
    shared: Collection[str] = (),
    elsewhere: Mapping[str, str] = NOTHING,
) -> partial[Any] | None:
    """Look a ``{type: <name>, <arguments>}`` up and check its arguments against the signature.

    Returns the class with its arguments bound, or None after adding to ``problems``. Keys in ``shared``,
    which all components of the table are asked, are checked elsewhere. Names that may be meant if one is not
    in the table are in ``elsewhere``, with what they are called here.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        problems.append(f"{path}: {given!r} should be {{type: <name>, …}}. Known: {', '.join(sorted(table))}")
        return None
    if given["type"] not in table:
        problems.append(unknown(f"{path}.type", given["type"], table, elsewhere=elsewhere))
        return None
    target = table[given["type"]]
    hints = get_type_hints(target.__init__, include_extras=True)
    parameters = {
        p.name: p for p in signature(target).parameters.values() if p.kind is Parameter.KEYWORD_ONLY
    }
    found = len(problems)
    arguments = {}
    for name, value in given.items():
        if name == "type" or name in shared:
            continue
        if name not in parameters:
            problems.append(unknown(f"{path}.{name}", name, [*parameters, *shared], "unknown key"))
            if "." not in path and not is_built_in(target):  # likely of the YAML that was chosen
                problems[-1] += f". {path}=own brings no such keys, ~{path}.{name} removes this one"
        elif hints[name] in registry.nested:
            nested = registry.nested[hints[name]]
            arguments[name] = instance(registry, nested, f"{path}.{name}", value, problems)
        elif hints[name] == Layers:
            arguments[name] = named_layers(registry, f"{path}.{name}", value, problems)
        elif hints[name] in (Build, Build | None):
            is_none = value is None and hints[name] != Build
            arguments[name] = None if is_none else layer(registry, f"{path}.{name}", value, problems)
        else:
            adapter = TypeAdapter(hints[name], config=STRICT)
            arguments[name] = argument(adapter, f"{path}.{name}", value, problems)
    problems.extend(
        f"{path}.{name}: missing, {given['type']} needs it"
        for name, parameter in parameters.items()
        if parameter.default is Parameter.empty and name not in given
    )
    return partial(target, **arguments) if len(problems) == found else None


def is_built_in(target: Callable[..., Any]) -> bool:
    """Whether a class is of no plugin."""
    return any(target in table.values() for table in vars(BUILT_IN).values())


def layer(registry: Registry, path: str, given: object, problems: list[str]) -> Build | None:
    """Check one layer: a registered one, or a module of ``torch.nn``."""
    name = given.get("type") if isinstance(given, Mapping) else None
    if isinstance(name, str) and name.startswith(PREFIX):
        assert isinstance(given, Mapping)
        return adopted(path, name.removeprefix(PREFIX), given, problems)
    is_strange = isinstance(name, str) and name not in registry.layers
    elsewhere = {each: PREFIX + each for each in module_names()} if is_strange else {}
    return component(registry, registry.layers, path, given, problems, elsewhere=elsewhere)


def adopted(path: str, name: str, given: Mapping[str, Any], problems: list[str]) -> Build | None:
    """Check the names of a torch module's arguments; their values are the module's own affair."""
    module = find_module(name)
    if module is None:
        told = "is no module of torch.nn that takes and gives one tensor"
        problems.append(not_in_torch(path, PREFIX, name, told, module_names()))
        return None
    arguments = torch_arguments(path, given, arguments_of(module), problems)
    return partial(Adopted, module=module, arguments=arguments) if arguments is not None else None


def not_in_torch(path: str, prefix: str, name: str, told: str, names: Collection[str]) -> str:
    """One problem's line for a class that torch has not, or not so that it could be used here."""
    near = nearest(name, names)
    hint = f" Did you mean '{prefix}{near}'?" if near else ""
    return f"{path}.type: '{prefix}{name}' {told}.{hint}"


def torch_arguments(
    path: str,
    given: Mapping[str, Any],
    known: Mapping[str, bool],
    problems: list[str],
    shared: Collection[str] = (),
) -> dict[str, Any] | None:
    """The arguments for a class of torch; ``known`` says which there are and whether they are needed."""
    arguments = {key: as_tuple(value) for key, value in given.items() if key not in ("type", *shared)}
    found = len(problems)
    if "batch_first" in known and arguments.setdefault("batch_first", True) is not True:
        problems.append(
            f"{path}.batch_first: {arguments['batch_first']!r} should be true: samples come first"
        )
    for key in arguments:
        if key not in known:
            problems.append(unknown(f"{path}.{key}", key, [*known, *shared], "unknown key"))
    problems.extend(
        f"{path}.{key}: missing, {given['type']} needs it"
        for key, needed in known.items()
        if needed and key not in arguments
    )
    return arguments if len(problems) == found else None


def as_tuple(value: object) -> object:
    """A list as the tuple that torch wants."""
    return tuple(as_tuple(each) for each in value) if isinstance(value, list) else value


def named_layers(
    registry: Registry, path: str, given: object, problems: list[str]
) -> dict[str, Build] | None:
    """Check layers by their names, at least one."""
    found = len(problems)
    if validated(LAYERS.validate_json, path, given, problems) is None:
        return None
    assert isinstance(given, Mapping)
    checked = {name: layer(registry, f"{path}.{name}", each, problems) for name, each in given.items()}
    return {name: each for name, each in checked.items() if each} if len(problems) == found else None


def instance(
    registry: Registry,
    table: Mapping[str, Callable[..., Any]],
    path: str,
    given: object,
    problems: list[str],
    shared: Collection[str] = (),
    elsewhere: Mapping[str, str] = NOTHING,
) -> Any | None:
    """Make a component that needs nothing from the program, or add to ``problems`` and return None."""
    checked = component(registry, table, path, given, problems, shared, elsewhere)
    try:
        return checked() if checked else None
    except ValueError as error:  # what a class says of arguments that don't go together
        problems.append(f"{path}.{error}")
        return None


def argument(adapter: TypeAdapter[Any], path: str, value: object, problems: list[str]) -> Any:
    """Validate one argument, or add one problem to ``problems`` and return None."""
    found: list[str] = []
    checked = validated(adapter.validate_json, "", value, found)
    if found:
        wanted = dict.fromkeys(problem.partition(" should ")[2] for problem in found)
        problems.append(f"{path}: {value!r} should {' or '.join(wanted)}")
    return checked


def validated(validate: Callable[[str], Any], path: str, value: object, problems: list[str]) -> Any:
    """Validate a value, or add to ``problems`` and return None.

    Where a type has several forms (a number or a pair of them) all that would do are named. The value goes
    through JSON, where pydantic's strict mode still takes a list for a tuple and a string for a path, but no
    ``'3'`` or ``true`` for a number.
    """
    try:
        return validate(json.dumps(value, default=str))
    except ValidationError as error:
        wrong: dict[str, list[str]] = {}  # by place and what is there: what it should be
        for detail in error.errors():
            place = ".".join(filter(None, [path, *(str(part) for part in detail["loc"] if part != "[key]")]))
            if detail["type"] == "extra_forbidden":
                *parents, key = detail["loc"]
                problems.append(unknown(place, key, keys_at(parents), "unknown key"))
                if key == "experiment":
                    problems[-1] += ". An experiment's YAML begins with '# @package _global_'"
            elif detail["type"] == "missing":
                problems.append(f"{place}: missing")
            else:
                told = (
                    detail["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("Dictionary ")
                )
                told = told.replace("an object", "a mapping").replace("a valid dictionary", "a mapping")
                told = told.replace("a valid array", "a list")
                place = ".".join(filter(None, [path, *map(str, within(value, detail["loc"]))]))
                wrong.setdefault(f"{place}: {detail['input']!r}", []).append(told)
        for found, all_told in wrong.items():
            forms = dict.fromkeys(told.removeprefix("should ") for told in all_told)
            problems.append(f"{found} should {' or '.join(forms)}")
        return None


def within(value: object, loc: Sequence[int | str]) -> list[int | str]:
    """As much of pydantic's place as is in a value; which of several types it was tried as is not."""
    found: list[int | str] = []
    for part in loc:
        keys = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
        if part not in keys:
            break
        value = value[part]  # type: ignore[index]  # one of its keys
        found.append(part)
    return found
