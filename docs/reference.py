"""``python -m docs.reference``: writes ``docs/reference.md``, every key of a config and every name.

Keys, types and ranges are those of ``runner/config/schema.py`` and of the signatures of what is in
``runner/registry.py``; defaults and their comments those of ``conf/``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from inspect import Parameter, cleandoc, getdoc, signature
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel

from docs.conf_lines import Line, keys_of, opening_of
from docs.words import of_field, words, yaml_word
from hydra_plugins import runner_launchers, runner_sweepers
from runner.config.compose import conf_folder
from runner.config.schema import Frame
from runner.registry import INITIALIZERS, LAYERS, LOSSES, METRICS, RULES, SCHEDULES, SOURCES
from runner.sweep.optimize.settings import OptunaSettings

PAGE = Path(__file__).with_name("reference.md")

OPENING = """# Reference

Every key of a config and every name that YAML may use. This page is written by `python -m docs.reference`
from the schema, the signatures and `conf/`; a test holds it to them.

A key is typed as it stands in the first column: `train.epochs=5`. A key that the chosen YAML does not have is
added with a plus: `+model.layers.l1.bias=false`. `runner --cfg job --resolve` prints a composed config.
"""

TABLES: Mapping[str, tuple[str, str, Mapping[str, Callable[..., Any]]]] = {
    "Layers": ("", "`model.layers.<name>.type`. Also `torch.nn.<Name>` for any module of torch that takes "
               "and gives one tensor, with torch's own arguments.", LAYERS),
    "Initialisers": ("", "`init` of a layer, `{type: <name>}`.", INITIALIZERS),
    "Losses": ("loss", "`loss=<name>`.", LOSSES),
    "Metrics": ("", "`train.metrics`, by name or as `{type: <name>, <arguments>}`.", METRICS),
    "Update rules": ("optim", "`optim=<name>`. Also `optim=torch optim.type=torch.optim.<Name>`.", RULES),
    "Schedules": ("schedule", "`schedule=<name>`.", SCHEDULES),
    "Data sources": ("data", "`data=<name>`.", SOURCES),
}  # fmt: skip
"""By heading: the folder of ``conf/`` with the defaults, what is typed, and the registry's table."""

FOLDERS = {"train": "train/default.yaml", "tracking": "tracking/mlflow.yaml"}
"""Sections whose defaults stand in a file of their own."""

COMPONENTS = ("model",)
"""Sections that have no keys but their components' own."""

NAMES = ("loss", "data.type")
"""Keys that are components, or name one."""

SWEEPERS: Mapping[str, tuple[type[Any], type[Any]]] = {
    "hydra/sweeper=grid": (runner_sweepers.GridSweeperConf, runner_sweepers.GridSweeper),
    "hydra/sweeper=random": (runner_sweepers.RandomSweeperConf, runner_sweepers.RandomSweeper),
    "hydra/sweeper=optuna": (runner_sweepers.OptunaSweeperConf, OptunaSettings),
    "hydra/launcher=stacked": (runner_launchers.StackedLauncherConf, runner_launchers.StackedLauncher),
    "hydra/launcher=ray": (runner_launchers.RayLauncherConf, runner_launchers.RayLauncher),
}
"""What is typed: the settings' defaults, and the class whose docstring tells of them."""

SET_AS = "Chosen as below, set as `hydra.sweeper.<key>` and `hydra.launcher.<key>`."
NOT_TYPED = ("_target_", "_convert_", "params")
"""What Hydra's plugins have beside their settings."""


def main() -> None:
    """Write the page."""
    PAGE.write_text(text())


def text() -> str:
    """The page."""
    parts = [OPENING, "## Keys", *frame(), *(part for title in TABLES for part in table(title))]
    parts += ["## Ready-made models", *made("model"), "## Ready-made experiments", *made("experiment")]
    parts += [
        "## Sweepers and launchers",
        "Chosen as below, set as `hydra.sweeper.<key>`, `hydra.launcher.<key>`.",
        *sweepers(),
    ]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def frame() -> Iterator[str]:
    """A table for each section of the frame."""
    lines = dict(keys_of(conf_folder() / "config.yaml"))
    for section, file in FOLDERS.items():
        lines |= keys_of(conf_folder() / file, f"{section}.")
    yield rows(Frame, "", lines)
    for name, field in Frame.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and name not in COMPONENTS:
            yield f"### {name}"
            yield rows(annotation, f"{name}.", lines)


def rows(section: type[BaseModel], prefix: str, lines: Mapping[str, Line]) -> str:
    """A section's keys, those of the sections within it among them."""
    found = ["| key | type | default | |", "| --- | --- | --- | --- |"]
    for attribute, field in section.model_fields.items():
        name, annotation = field.alias or attribute, field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if prefix:
                found += rows(annotation, f"{prefix}{name}.", lines).splitlines()[2:]
            continue
        if f"{prefix}{name}" not in NAMES:
            line = lines[f"{prefix}{name}"]
            kind, comment = cell(of_field(field)), cell(line.comment)
            found.append(f"| `{prefix}{name}` | {kind} | `{line.value}` | {comment} |")
    return "\n".join(found)


def table(title: str) -> Iterator[str]:
    """What a registry's table holds, a paragraph and a list of arguments a name."""
    group, opening, components = TABLES[title]
    yield f"## {title}"
    yield opening
    shared = {"type"} | {line.removeprefix(f"{group}.") for line in keys_of(conf_folder() / "config.yaml")}
    for name, component in components.items():
        yaml = conf_folder() / group / f"{name}.yaml"
        lines = keys_of(yaml) if group else {}
        yield f"**`{name}`** {sentence(component)}"
        told = [argument(*each, lines) for each in arguments_of(component) if each[0] not in shared]
        yield "\n".join(told)


def arguments_of(component: Callable[..., Any]) -> Iterator[tuple[str, str, Any, str]]:
    """What a config may say of a component: name, type, default, and what its docstring says of it."""
    hints = get_type_hints(component.__init__, include_extras=True)
    told = told_of_arguments(component)
    for parameter in signature(component).parameters.values():
        if parameter.kind is Parameter.KEYWORD_ONLY:
            name = parameter.name
            yield name, words(hints[name]), parameter.default, told.get(name, "")


def argument(name: str, kind: str, default: Any, told: str, lines: Mapping[str, Line]) -> str:
    """One argument as an item of a list."""
    line = lines.get(name)
    value = line.value if line else "???" if default is Parameter.empty else shown(default)
    beginning = f"- `{name}` ({kind}, " + ("needed)" if value == "???" else f"default `{value}`)")
    comment = (line.comment if line else "") or told
    return beginning + (f": {markdown(comment)}" if comment else "")


def shown(default: Any) -> str:
    """A default as YAML has it; an initialiser by its name and what it says beside its own defaults."""
    for name, kind in INITIALIZERS.items():
        if type(default) is kind:
            own = {field.name: getattr(default, field.name) for field in fields(default)}
            return yaml_word({"type": name} | own)
    return yaml_word(default)


def told_of_arguments(component: Callable[..., Any]) -> Mapping[str, str]:
    """What the arguments' section says in the docstrings of a class and of what it inherits from."""
    found: dict[str, str] = {}
    for kind in reversed(component.__mro__):  # type: ignore[attr-defined]  # of a class
        section = re.split(r"\n(?:Args|Attributes):\n", cleandoc(kind.__doc__ or ""), maxsplit=1)[-1]
        section = section.partition("\n\n")[0]
        for name, text in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            found[name] = " ".join(text.split()).removesuffix(".")
    return found


def sentence(component: Callable[..., Any]) -> str:
    """The first paragraph of a docstring, as one line."""
    return markdown(" ".join((getdoc(component) or "").partition("\n\n")[0].split()))


def made(group: str) -> Iterator[str]:
    """The files of a group, with what each says of itself."""
    files = sorted((conf_folder() / group).glob("*.yaml"))
    yield "\n".join(f"- `{group}={file.stem}`: {markdown(opening_of(file))}" for file in files)


def sweepers() -> Iterator[str]:
    """The settings of what Hydra calls sweepers and launchers."""
    for name, (settings, documented) in SWEEPERS.items():
        hints, told = get_type_hints(settings), told_of_arguments(documented)
        yield f"**`{name}`** {sentence(documented)}"
        yield "\n".join(
            argument(each.name, words(hints[each.name]), each.default, told.get(each.name, ""), {})
            for each in fields(settings)
            if each.name not in NOT_TYPED
        )


def markdown(text: str) -> str:
    """A docstring's or a comment's text: its code in single ticks, nothing else taken for markup."""
    parts = re.split(r"(`[^`]+`)", text.replace("``", "`"))
    return "".join(part if part.startswith("`") else re.sub(r"([<*])", r"\\\1", part) for part in parts)


def cell(text: str) -> str:
    """Text in a cell of a table, where a bar would end it."""
    return markdown(text).replace("|", "\\|")


if __name__ == "__main__":
    main()
