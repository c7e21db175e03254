"""Types as the reference says them: ``Annotated[float, Gt(0)]`` is ``number > 0``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo

from runner.nn.init import Initializer
from runner.nn.layers.layer import Build, Layers

PLAIN: Mapping[Any, str] = {
    bool: "true or false",
    int: "integer",
    float: "number",
    str: "text",
    Path: "path",
    NoneType: "null",
    Any: "any value",
    Initializer: "an initialiser",
    Build: "a layer",
    Layers: "named layers",
}
HIGHEST = 2**63
"""What no whole number reaches; nobody needs to be told."""


def words(annotation: Any) -> str:
    """A type in words.

    Raises:
        TypeError: if it is of a kind that nothing here knows.
    """
    if annotation in (Build, Layers):  # which are made of others
        return PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return restricted(words(arguments[0]), arguments[1:])
    if origin is Literal:
        return " or ".join(f"`{yaml_word(value)}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(words, arguments)))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"list of {words(arguments[0])}"
        return f"[{', '.join(map(words, arguments))}]"
    if origin in (list, Sequence):
        return f"list of {words(arguments[0])}"
    if origin in (dict, Mapping) or annotation is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    if annotation in PLAIN:
        return PLAIN[annotation]
    if getattr(annotation, "__name__", "") == "Plain":
        return "mapping"
    raise TypeError(f"no words for {annotation!r}")


def of_field(field: FieldInfo) -> str:
    """The type of a key of the config's frame, whose outermost restrictions pydantic keeps apart."""
    return restricted(words(field.annotation), field.metadata)


def restricted(text: str, restrictions: Sequence[Any]) -> str:
    """A type's words with its range behind."""
    for each in restrictions:
        match each:
            case Gt(gt=limit):
                text += f" > {limit}"
            case Ge(ge=limit):
                text += f" >= {limit}"
            case Lt(lt=limit) if limit != HIGHEST:
                text += f", < {limit}"
            case Le(le=limit):
                text += f", <= {limit}"
            case StringConstraints(pattern=str(pattern)):
                text += f" like `{pattern}`"
    return text


def yaml_word(value: object) -> str:
    """A value as YAML has it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case tuple() | list():
            return f"[{', '.join(map(yaml_word, value))}]"
        case dict():
            return "{" + ", ".join(f"{key}: {yaml_word(each)}" for key, each in value.items()) + "}"
    return str(value)
