"""Mistakes in a plugin's code: told by part, line and exception, with the traceback behind them."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from runner.config.plain import Plain
from runner.errors import ConfigError, RunnerError
from runner.plugins.answers import AnswerError
from runner.plugins.load import Plugin, as_written

SECTIONS = {
    "LAYERS": "model",
    "INITIALIZERS": "model",
    "LOSSES": "loss",
    "METRICS": "train",
    "RULES": "optim",
    "SCHEDULES": "schedule",
    "SOURCES": "data",
}
"""Under which key a config names what a table holds."""


@contextmanager
def mistakes_told(plugins: Sequence[Plugin], plain: Plain, before_run: bool = False) -> Iterator[None]:
    """The context in which parts are at work: what their code raises becomes an error for their author.

    Args:
        plugins: the config's.
        plain: the config.
        before_run: whether nothing has been read or created yet.

    Raises:
        RunnerError: in place of an exception out of a plugin's code; a ConfigError ``before_run``.
    """
    try:
        yield
    except Exception as error:
        told = mistake(error, plugins, plain)
        if told is None:
            raise
        raise (ConfigError([told]) if before_run else RunnerError(told)) from error


def mistake(error: BaseException, plugins: Sequence[Plugin], plain: Plain) -> str | None:
    """What is to be said of an exception out of a plugin's code; None if it is none, or says that itself."""
    if isinstance(error, AnswerError):
        return of_answer(error, plugins, plain)
    if isinstance(error, RunnerError) or not isinstance(error, Exception):
        return None
    trace = list(traceback.walk_tb(error.__traceback__))
    for plugin in plugins:
        frames = [(frame, line) for frame, line in trace if is_of(frame, plugin)]
        if frames:
            frame, line = frames[-1]
            place = place_of(frame.f_code.co_filename, line, plugin)
            told = f"{type(error).__name__}: {as_written(' '.join(str(error).split()))}".removesuffix(": ")
            objects = [frame.f_locals.get("self") for frame, _ in frames]
            return f"{part(objects, plugin, plain)}, {place}: {told}"
    return None


def of_answer(error: AnswerError, plugins: Sequence[Plugin], plain: Plain) -> str:
    """What is to be said of a part that gives what it should not."""
    owners = [each for each in plugins if is_named(type(error.part), each)]
    if not owners:
        return str(error)
    place = place_of(error.code.co_filename, error.line, owners[0])
    return f"{part([error.part], owners[0], plain)}, {place}: {error}"


def is_named(component: type, plugin: Plugin) -> bool:
    """Whether a class is in one of a plugin's tables."""
    return any(component is each for table in plugin.tables.values() for each in table.values())


def place_of(file: str, line: int, plugin: Plugin) -> str:
    """A line of a plugin's code, with the file if that is not the one that names the plugin."""
    return f"line {line}" if file == plugin.name else f"line {line} of {Path(file).name}"


def is_of(frame: FrameType, plugin: Plugin) -> bool:
    """Whether a frame runs a plugin's code: that of its file, or of its whole package."""
    package = plugin.module.partition(".")[0]
    return f"{frame.f_globals.get('__name__')}.".startswith(f"{package}.")


def part(objects: Sequence[object], plugin: Plugin, plain: Plain) -> str:
    """The first part among some objects: where the config names it, and its type."""
    for each in objects:
        for table, components in plugin.tables.items():
            for name, component in components.items():
                if isinstance(each, component):
                    section = SECTIONS[table]
                    places = ", ".join(dict.fromkeys(places_of(name, section, plain.get(section))))
                    return f"{places} ({name} of {plugin.name})"
    return f"plugins: {plugin.name}"


def places_of(name: str, path: str, given: object) -> Iterator[str]:
    """Where something of a type is named in a part of a config."""
    if isinstance(given, Mapping):
        if given.get("type") == name:
            yield path
        for key, value in given.items():
            yield from places_of(name, f"{path}.{key}", value)
    elif isinstance(given, list):
        for value in given:
            if value == name:
                yield path
            yield from places_of(name, path, value)
