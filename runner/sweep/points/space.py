"""What a sweep's command line leaves open: which keys vary, and among which values."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.core.override_parser.types import Sweep as Swept

from runner.config.compose import cannot_be_swept, key_of
from runner.errors import ConfigError, unknown

MOST_VALUES = 1_000_000
"""So many a range may have: more are a mistake, and would fill the memory."""


@dataclass(frozen=True)
class Choice:
    """``a,b,c``, ``choice(…)``, ``glob(…)``: values as they are typed."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """``range(start,stop,step)``: evenly spaced numbers, the stop excluded."""

    numbers: tuple[int | float, ...]
    step: int | float

    @property
    def texts(self) -> tuple[str, ...]:
        """The numbers as they are typed."""
        return tuple(str(number) for number in self.numbers)


@dataclass(frozen=True)
class Interval:
    """``interval(low,high)``: any number between, as ``int(interval(…))`` any integer, ``high`` included.

    Attributes:
        low: the lower end.
        high: the upper end.
        integer: whether it is cast to int.
        log: whether it has the tag ``log``: each order of magnitude is as likely as any other.
    """

    low: float
    high: float
    integer: bool
    log: bool


Dimension = Choice | Range | Interval


@dataclass(frozen=True)
class Space:
    """A sweep's overrides: key (as typed, so maybe with a plus) to value, or to what it varies among."""

    values: Mapping[str, str | Dimension]

    @property
    def swept(self) -> dict[str, Dimension]:
        """The keys that vary, in the order typed."""
        return {key: value for key, value in self.values.items() if not isinstance(value, str)}

    def job(self, chosen: Mapping[str, str]) -> list[str]:
        """A job's overrides, in the order typed, where ``chosen`` has a value for each swept key."""
        return [f"{key}={chosen.get(key, value)}" for key, value in self.values.items()]


def read_space(arguments: Sequence[str], loader: ConfigLoader) -> Space:
    """Read a sweep's overrides; of several for one key the last one counts, in the place of the first.

    Raises:
        ConfigError: if a key cannot be swept, or not so.
        HydraException: if an override does not parse.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    last = {override.get_key_element(): override for override in overrides}
    problems = cannot_be_swept(key_of(key) for key, override in last.items() if override.is_sweep_override())
    values = {key: value_of(override, problems) for key, override in last.items()}
    if problems:
        raise ConfigError(problems)
    return Space(values)


def value_of(override: Override, problems: list[str]) -> str | Dimension:
    """What an override says, adding to ``problems`` what is wrong with it."""
    if not override.is_sweep_override():
        return override.get_value_element_as_str()
    key, value = override.get_key_element(), override.value()
    if isinstance(value, IntervalSweep):
        problems += [unknown(key, tag, ["log"], "unknown tag") for tag in sorted(value.tags - {"log"})]
        return interval(key, value, problems)
    if isinstance(value, Swept):  # glob(…) is not, in Hydra
        problems += [f"{key}: tag({tag}, …) is for interval(…) alone" for tag in sorted(value.tags)]
    values: Choice | Range
    if isinstance(value, RangeSweep):
        if not length(value) <= MOST_VALUES:
            problems.append(f"{override.input_line}: should have an end, and at most {MOST_VALUES:,} values")
            return Range((), value.step)
        numbers = cast(Iterator[int | float], override.sweep_iterator())
        values = Range(tuple(numbers), value.step)
    else:
        values = Choice(tuple(override.sweep_string_iterator()))
    if not values.texts:
        problems.append(f"{override.input_line}: there is no value in it")
    return values


def length(given: RangeSweep) -> float:
    """How many values a range has: infinity or NaN if it has no end."""
    assert given.start is not None
    assert given.stop is not None
    steps = (given.stop - given.start) / given.step if given.step else math.inf
    return max(0, math.ceil(steps)) if math.isfinite(steps) else steps


def interval(key: str, given: IntervalSweep, problems: list[str]) -> Interval:
    """An interval, adding to ``problems`` if there is nothing in it or no logarithm of it."""
    assert given.start is not None
    assert given.end is not None
    read = Interval(given.start, given.end, isinstance(given.start, int), "log" in given.tags)
    if read.low >= read.high:
        problems.append(f"{key}: interval({read.low}, {read.high}) should end above where it starts")
    elif read.log and read.low <= 0:
        problems.append(f"{key}: interval({read.low}, {read.high}) with tag log should start above 0")
    return read
