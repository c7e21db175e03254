"""The names that plugins bring, beside the built-in ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.errors import ConfigError
from runner.plugins.kinds import KINDS, problems_of
from runner.plugins.load import Plugin
from runner.registry import BUILT_IN, Registry


def join(plugins: Sequence[Plugin]) -> Registry:
    """All names that a config with these plugins may use.

    Raises:
        ConfigError: with a line for each name that is taken, and for each component that is not what its
            table holds.
    """
    if not plugins:
        return BUILT_IN
    problems: list[str] = []
    registry = Registry(
        initializers=joined("INITIALIZERS", BUILT_IN.initializers, plugins, problems),
        layers=joined("LAYERS", BUILT_IN.layers, plugins, problems),
        losses=joined("LOSSES", BUILT_IN.losses, plugins, problems),
        metrics=joined("METRICS", BUILT_IN.metrics, plugins, problems),
        rules=joined("RULES", BUILT_IN.rules, plugins, problems),
        schedules=joined("SCHEDULES", BUILT_IN.schedules, plugins, problems),
        sources=joined("SOURCES", BUILT_IN.sources, plugins, problems),
    )
    if problems:
        raise ConfigError(problems)
    return registry


def joined(
    table: str, built_in: Mapping[str, Any], plugins: Sequence[Plugin], problems: list[str]
) -> dict[str, Any]:
    """A built-in table with what plugins add to it; adds to ``problems`` what they may not."""
    names, owners = dict(built_in), dict.fromkeys(built_in, "the built-in one")
    for plugin in plugins:
        for name, component in plugin.tables.get(table, {}).items():
            place = f"plugins: {plugin.name}: {table}[{name!r}]"
            if not isinstance(name, str) or not name.isidentifier():
                problems.append(f"{place}: a name should be a word of letters, digits and _")
            elif name in owners:
                problems.append(f"{place}: the name is taken by {owners[name]}")
            else:
                problems += [f"{place}: {told}" for told in problems_of(component, KINDS[table])]
                names[name], owners[name] = component, plugin.name
    return names
