"""The composed YAML becomes one checked object, or an error that lists everything wrong with it."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from runner import registry
from runner.data.dataset import Source
from runner.errors import ConfigError, unknown
from runner.nn.layers.layer import Layer
from runner.nn.losses import Loss
from runner.optim.rules import Rule
from runner.optim.schedules import Schedule
from runner.types import PositiveInt, Seed

Plain = dict[str, Any]
"""A resolved config as plain mappings, lists and scalars."""

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Train(BaseModel):
    """How long and in which pieces a model is trained."""

    model_config = STRICT
    epochs: PositiveInt = 20
    batch_size: PositiveInt = 128
    shuffle: bool = True


class Tracking(BaseModel):
    """Where a run reports to."""

    model_config = STRICT
    uri: NonEmpty
    experiment: NonEmpty
    log_model: Literal[True, False, "auto"] = "auto"


class Model(BaseModel):
    """Named layers, each ``{type: <name>, <arguments>}``."""

    model_config = STRICT
    layers: Annotated[dict[LayerName, Plain], Field(min_length=1)]


class Data(BaseModel):
    """What every data source is asked, beside its own arguments."""

    model_config = STRICT | ConfigDict(extra="allow")
    type: str
    root: Path = Path("outputs/data")
    limit: PositiveInt | None = None


class Frame(BaseModel):
    """Everything but the components' own arguments."""

    model_config = STRICT
    seed: Seed = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    objective: NonEmpty = "test/loss"
    model: Model
    loss: Plain
    optim: Plain
    schedule: Plain
    data: Data
    train: Train
    tracking: Tracking


@dataclass(frozen=True)
class Config:
    """A checked config: values in their types, components as objects, layers ready to be built."""

    seed: int
    device: Literal["auto", "cpu", "cuda"]
    objective: str
    layers: dict[str, partial[Layer]]
    loss: Loss
    rule: Rule
    schedule: Schedule
    source: Source
    limit: int | None
    train: Train
    tracking: Tracking
    plain: Plain

    @property
    def hash(self) -> str:
        """16 hex digits that name what is computed: tracking has no part in it."""
        identity = {key: value for key, value in self.plain.items() if key not in ("tracking", "objective")}
        return hashlib.sha256(json.dumps(canonical(identity)).encode()).hexdigest()[:16]


def check(plain: Plain) -> Config:
    """Check a resolved config.

    Raises:
        ConfigError: with every problem found, each naming key, value and what is allowed.
    """
    problems: list[str] = []
    frame = validated(lambda text: Frame.model_validate_json(text), "", plain, problems)

    def section(table: Mapping[str, Callable[..., Any]], name: str) -> partial[Any] | None:
        given = plain.get(name)
        if not isinstance(given, Mapping):
            return None  # which is in the frame's problems already
        return component(table, name, own_arguments(given) if name == "data" else given, problems)

    source = section(registry.SOURCES, "data")
    loss = section(registry.LOSSES, "loss")
    rule = section(registry.RULES, "optim")
    schedule = section(registry.SCHEDULES, "schedule")
    model = plain.get("model")
    given_layers = model.get("layers") if isinstance(model, Mapping) else None
    layers = check_layers(given_layers, source().outputs if source else 1, problems)
    if problems or frame is None or not (source and loss and rule and schedule):
        raise ConfigError(dict.fromkeys(problems))
    config = Config(
        seed=frame.seed,
        device=frame.device,
        objective=frame.objective,
        layers=layers,
        loss=loss(),
        rule=rule(),
        schedule=schedule(),
        source=source(),
        limit=frame.data.limit,
        train=frame.train,
        tracking=frame.tracking,
        plain=plain,
    )
    check_together(config)
    return config


def check_together(config: Config) -> None:
    """Check what only shows when parts meet.

    Raises:
        ConfigError: if loss and data are of different kinds, or the objective is no metric of theirs.
    """
    problems = []
    task, wanted = config.source.task, config.loss.task
    if task != wanted:
        known = [name for name, loss in registry.LOSSES.items() if loss().task == task]
        problems.append(
            f"loss.type: '{config.plain['loss']['type']}' is for {wanted}, but data.type "
            f"'{config.plain['data']['type']}' is {task}. Known for {task}: {', '.join(known)}"
        )
    kinds = ("loss", "accuracy") if task == "classification" else ("loss",)
    metrics = [f"{part}/{kind}" for part in ("train", "test") for kind in kinds]
    if config.objective not in metrics:
        problems.append(unknown("objective", config.objective, metrics))
    if problems:
        raise ConfigError(problems)


def own_arguments(data: Mapping[str, Any]) -> Plain:
    """A source's own arguments: ``limit`` is not its affair, ``root`` only where it reads files."""
    source = registry.SOURCES.get(str(data.get("type")))
    foreign = {"limit"} if source and "root" in signature(source).parameters else {"limit", "root"}
    return {key: value for key, value in data.items() if key not in foreign}


def check_layers(layers: object, outputs: int, problems: list[str]) -> dict[str, partial[Layer]]:
    """Each layer with its checked arguments; the last ``out_features`` is ``outputs`` if left open."""
    if not isinstance(layers, Mapping):
        return {}
    arguments = {name: dict(layer) if isinstance(layer, Mapping) else layer for name, layer in layers.items()}
    for layer in reversed(arguments.values()):
        target = registry.LAYERS.get(str(layer.get("type"))) if isinstance(layer, dict) else None
        if target and "out_features" in signature(target).parameters:
            if layer.get("out_features") is None:
                layer["out_features"] = outputs
            break
    checked = {
        name: component(registry.LAYERS, f"model.layers.{name}", layer, problems)
        for name, layer in arguments.items()
    }
    return {name: layer for name, layer in checked.items() if layer}


def component(
    table: Mapping[str, Callable[..., Any]], path: str, given: object, problems: list[str]
) -> partial[Any] | None:
    """Look a ``{type: <name>, <arguments>}`` up and check its arguments against the signature.

    Returns the class with its arguments bound, or None after adding to ``problems``.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        problems.append(f"{path}: {given!r} should be {{type: <name>, …}}. Known: {', '.join(sorted(table))}")
        return None
    if given["type"] not in table:
        problems.append(unknown(f"{path}.type", given["type"], table))
        return None
    target = table[given["type"]]
    hints = get_type_hints(target.__init__, include_extras=True)
    parameters = {
        p.name: p for p in signature(target).parameters.values() if p.kind is Parameter.KEYWORD_ONLY
    }
    found = len(problems)
    arguments = {}
    for name, value in given.items():
        if name == "type":
            continue
        if name not in parameters:
            problems.append(unknown(f"{path}.{name}", name, parameters, "unknown key"))
        elif hints[name] in registry.NESTED:
            nested = component(registry.NESTED[hints[name]], f"{path}.{name}", value, problems)
            arguments[name] = nested() if nested else None
        else:
            adapter = TypeAdapter(hints[name], config=ConfigDict(strict=True, allow_inf_nan=False))
            arguments[name] = validated(adapter.validate_json, f"{path}.{name}", value, problems)
    problems.extend(
        f"{path}.{name}: missing, {given['type']} needs it"
        for name, parameter in parameters.items()
        if parameter.default is Parameter.empty and name not in given
    )
    return partial(target, **arguments) if len(problems) == found else None


def validated(validate: Callable[[str], Any], path: str, value: object, problems: list[str]) -> Any:
    """Validate a value, or add to ``problems`` and return None.

    The value goes through JSON, where pydantic's strict mode still takes a list for a tuple and a string
    for a path, but no ``'3'`` or ``true`` for a number.
    """
    try:
        return validate(json.dumps(value, default=str))
    except ValidationError as error:
        for detail in error.errors():
            place = ".".join(filter(None, [path, *(str(part) for part in detail["loc"] if part != "[key]")]))
            if detail["type"] == "extra_forbidden":
                *parents, key = detail["loc"]
                problems.append(unknown(place, key, fields(parents), "unknown key"))
            elif detail["type"] == "missing":
                problems.append(f"{place}: missing")
            else:
                told = (
                    detail["msg"].removeprefix("Input ").removeprefix("String ").removeprefix("Dictionary ")
                )
                told = told.replace("an object", "a mapping").replace("a valid dictionary", "a mapping")
                problems.append(f"{place}: {detail['input']!r} {told}")
        return None


def fields(path: list[Any]) -> list[str]:
    """The keys that may stand at a place in the frame."""
    section: type[BaseModel] = Frame
    for part in path:
        annotation = section.model_fields[part].annotation
        assert isinstance(annotation, type)
        section = annotation
    return list(section.model_fields)


def canonical(value: object) -> object:
    """Mappings sorted by key, but for layers, whose order counts."""
    if isinstance(value, Mapping):
        return {
            key: [[name, canonical(layer)] for name, layer in part.items()]
            if key == "layers"
            else canonical(part)
            for key, part in sorted(value.items())
        }
    return value


def flatten(plain: Plain, prefix: str = "") -> dict[str, str]:
    """The config as ``{"optim.lr": "0.3", …}``, each pair an override that can be pasted back."""
    flat: dict[str, str] = {}
    for key, value in plain.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(dict(value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = as_override(value)
    return flat


def as_override(value: object) -> str:
    """A value in the grammar of Hydra's command line."""
    if isinstance(value, str):
        plain_word = re.fullmatch(r"[A-Za-z0-9_./:+@%?|*-]+", value)
        other_type = re.fullmatch(r"null|true|false|[-+]?(inf|nan)|[-+]?[0-9_.]+(e[-+]?[0-9]+)?", value, re.I)
        if plain_word and not other_type:
            return value
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, list):
        return "[" + ",".join(as_override(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{as_override(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
