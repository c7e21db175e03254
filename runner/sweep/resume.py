"""What is known of a sweep that is to be continued: its overrides, as data."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from runner.config.compose import SWEEP_RECORD, key_of, to_plain
from runner.config.leaves import leaves
from runner.config.plain import Plain
from runner.config.stored import read_stored, refuse_more_than_data
from runner.errors import ConfigError, TrackingError
from runner.plugins.changed import TAG, refuse_changed
from runner.sweep.points.space import length
from runner.tracking.artifacts import of_run
from runner.tracking.store import connect, told_as_tracking_error

PLUGINS, STORE = "plugins", "tracking.uri"
MOST_JOBS = 100_000
"""So many jobs a sweep of a store may have."""


@dataclass(frozen=True)
class Recorded:
    """The command line of a sweep.

    Attributes:
        declared: what its YAML swept, by the keys.
        typed: its overrides.
        zip: the keys that varied together.
        mode: how its jobs were trained: models that train as one round otherwise.
    """

    declared: Mapping[str, str]
    typed: Sequence[str]
    zip: Sequence[Any]
    mode: Any = "auto"

    @property
    def overrides(self) -> list[str]:
        """All overrides."""
        return [*(f"{key}={value}" for key, value in self.declared.items()), *self.typed]

    def without(self, keys: Sequence[str]) -> "Recorded":
        """The same less what the user says about these keys."""
        declared = {key: value for key, value in self.declared.items() if key_of(key) not in keys}
        typed = [each for each in self.typed if key_of(each) not in keys]
        typed = [each for each in typed if not key_of(each).startswith("sweep.")]
        return replace(self, declared=declared, typed=typed)


def recorded(sweep: str, config: DictConfig) -> Recorded:
    """How a sweep was started, from its parent run.

    Args:
        sweep: the sweep's id.
        config: says which store it is in.

    Raises:
        TrackingError: if the store cannot be used or knows no such sweep.
        ConfigError: if what it has is no command line.
    """
    uri, whose = config.tracking.uri, f"sweep.resume: the {SWEEP_RECORD} of '{sweep}'"
    client = connect(uri)
    with told_as_tracking_error(uri), TemporaryDirectory() as folder:
        artifacts = of_run(client, sweep)
        if SWEEP_RECORD not in [file.path for file in artifacts.list()]:
            raise TrackingError(f"sweep.resume: run '{sweep}' is no sweep: it has no {SWEEP_RECORD}")
        found = read_stored(artifacts.download(SWEEP_RECORD, folder), whose)
    try:
        return command_line_in(found)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError([f"{whose}: is no sweep's"]) from error


def refuse_other_plugins(sweep: str, config: DictConfig) -> None:
    """Refuse plugins whose files are not what they were when a sweep was started.

    Args:
        sweep: its id.
        config: of the sweep that continues it.

    Raises:
        TrackingError: if the store cannot be used or knows no such sweep.
        ConfigError: naming the files.
    """
    plugins = to_plain(OmegaConf.masked_copy(config, [PLUGINS]))[PLUGINS]
    if plugins and config.sweep.plugins_changed != "allow":
        uri = config.tracking.uri
        with told_as_tracking_error(uri):
            tags = connect(uri).get_run(sweep).data.tags
        refuse_changed("sweep", tags.get(TAG), plugins, "plugins.changed=allow")


def command_line_in(record: Plain) -> Recorded:
    """The command line in a sweep's record. Raises a KeyError, TypeError or AttributeError if it has none."""
    hydra = record["hydra"]
    declared = {str(key): str(value) for key, value in (hydra["sweeper"].get("params") or {}).items()}
    typed = [str(each) for each in hydra["overrides"]["task"]]
    return Recorded(declared, typed, record["sweep"]["zip"], record["sweep"]["mode"])


def refuse_more_than_values(found: Recorded, data_root: str | None, has_plugins: bool) -> None:
    """Refuse what a store's sweep would do beside giving values to keys of the config.

    Args:
        found: the sweep's, less what the user says.
        data_root: where data lie, as the user says.
        has_plugins: whether the user says which plug-ins may run.

    Raises:
        ConfigError: naming each override, and what to type if it is meant.
    """
    parsed = OverridesParser.create().parse_overrides(found.overrides)
    roots = [(override, str(override.key_or_group).partition(".")[0]) for override in parsed]
    code = [str(each.input_line) for each, root in roots if PLUGINS in (root, each.package)]
    if code and not has_plugins:
        raise ConfigError(
            [f"plugins: the sweep names code, {' '.join(code)}: it runs only if you say so once more"]
        )
    problems = [
        f"{override.input_line}: is from the store, and more than a value of the config"
        for override, root in roots
        if root.startswith("hydra") or override.package is not None
    ]
    if not math.prod(count(override) for override in parsed) <= MOST_JOBS:
        problems.append(f"sweep.resume: its jobs are more than a store may have started: {MOST_JOBS:,}")
    if problems:
        raise ConfigError(problems)
    values = [pair for override in parsed for pair in values_of(override)]
    if any(key == STORE for key, _ in values):
        raise ConfigError(
            [f"{STORE}: is from the store, which is the one that was named: give all overrides"]
        )
    refuse_more_than_data(values, data_root)


def count(override: Override) -> float:
    """How many jobs an override makes of one, as far as that is known: infinity or NaN if endless."""
    value = override.value()
    if isinstance(value, RangeSweep):
        return length(value)
    return len(value.list) if isinstance(value, ChoiceSweep) else 1


def values_of(override: Override) -> Iterator[tuple[str, object]]:
    """The values that an override gives, by their keys: each of those among which it varies."""
    key, value = str(override.key_or_group), override.value()
    yield key, str(override.input_line).partition("=")[2]
    if isinstance(value, ChoiceSweep):
        for each in value.list:
            yield from leaves(Override._convert_value(each), key)
    elif not override.is_sweep_override():
        yield from leaves(value, key)
