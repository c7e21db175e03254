"""Optuna's samplers and pruners by name, and its distributions for the grammar of Hydra's sweeps."""

import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.util import find_spec
from inspect import Parameter, signature
from typing import Any, TypeVar

from optuna import pruners, samplers
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning

from runner.errors import ConfigError, unknown
from runner.sweep.points.space import Choice, Dimension, Interval

SAMPLERS: dict[str, Callable[..., samplers.BaseSampler]] = {
    "tpe": samplers.TPESampler,
    "random": samplers.RandomSampler,
    "gp": samplers.GPSampler,
    "cmaes": samplers.CmaEsSampler,
    "nsgaii": samplers.NSGAIISampler,
    "nsgaiii": samplers.NSGAIIISampler,
    "qmc": samplers.QMCSampler,
}
LEARNS_NOTHING = ("random", "qmc")
"""Samplers to which it is all the same what earlier trials came to."""

PRUNERS: dict[str, Callable[..., pruners.BasePruner]] = {
    "none": pruners.NopPruner,
    "median": pruners.MedianPruner,
    "percentile": pruners.PercentilePruner,
    "hyperband": pruners.HyperbandPruner,
    "successive_halving": pruners.SuccessiveHalvingPruner,
    "threshold": pruners.ThresholdPruner,
    "patient": pruners.PatientPruner,
}

OURS: dict[str, dict[str, object]] = {
    "tpe": {"constant_liar": True},  # else the trials of a batch look alike
    "qmc": {"scramble": True},  # else the seed has no say
}
"""Defaults that differ from Optuna's."""

Part = TypeVar("Part", samplers.BaseSampler, pruners.BasePruner)

Given = str | Mapping[str, Any]
"""A name, or ``{type: <name>, <arguments>}``."""


def name_of(path: str, given: Given) -> str:
    """The name in either form.

    Raises:
        ConfigError: if there is none.
    """
    name = given if isinstance(given, str) else given.get("type")
    if not isinstance(name, str):
        raise ConfigError([f"{path}: {given!r} should be a name or {{type: <name>, …}}"])
    return name


def make_sampler(given: Given, seed: int, trials_before: int) -> samplers.BaseSampler:
    """The sampler that a study asks.

    Args:
        given: its name, maybe with arguments.
        seed: of its random numbers.
        trials_before: how many trials the study has had: a continued one is not to draw the same again.

    Raises:
        ConfigError: if there is no such sampler, it takes no such arguments, or its package is missing.
    """
    path = "hydra.sweeper.sampler"
    name = name_of(path, given)
    if name == "cmaes" and find_spec("cmaes") is None:
        raise ConfigError([f"{path}: cmaes needs a package that is not there: pip install cmaes"])
    if name != "qmc":  # which finds its place in the sequence by itself
        seed += trials_before
    return make(SAMPLERS, path, given, {"seed": seed} | OURS.get(name, {}))


def make_pruner(given: Given, path: str = "hydra.sweeper.pruner") -> pruners.BasePruner:
    """The pruner that says which trials to stop.

    Raises:
        ConfigError: if there is no such pruner, or it takes no such arguments.
    """
    if isinstance(given, Mapping) and given.get("wrapped_pruner") is not None:
        inner = make_pruner(given["wrapped_pruner"], f"{path}.wrapped_pruner")
        given = {**given, "wrapped_pruner": inner}
    return make(PRUNERS, path, given, {})


def make(
    table: Mapping[str, Callable[..., Part]], path: str, given: Given, defaults: Mapping[str, Any]
) -> Part:
    """Look a part up and make it, its arguments held against its signature.

    Raises:
        ConfigError: naming the key and what is allowed.
    """
    name = name_of(path, given)
    if name not in table:
        raise ConfigError([unknown(path, name, table)])
    known = signature(table[name]).parameters
    typed = {} if isinstance(given, str) else {key: value for key, value in given.items() if key != "type"}
    problems = [unknown(f"{path}.{key}", key, known, "unknown key") for key in typed if key not in known]
    problems += [
        f"{path}.{key}: {value!r} should be a number"
        for key, value in typed.items()
        if key in known and isinstance(known[key].default, int | float) and not isinstance(value, int | float)
    ]
    problems += [
        f"{path}.{key}: missing, {name} needs it"
        for key, parameter in known.items()
        if parameter.default is Parameter.empty and key not in typed
    ]
    if problems:
        raise ConfigError(problems)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # who names a part knows what it is
            return table[name](**{**defaults, **typed})
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{path}: {error}"]) from error


def distribution(dimension: Dimension) -> BaseDistribution:
    """What Optuna chooses a key's value from."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.texts)
    if isinstance(dimension, Interval):
        if dimension.integer:
            return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    low, step = min(dimension.numbers), abs(dimension.step)
    high = Decimal(str(low)) + (len(dimension.numbers) - 1) * Decimal(str(step))  # free of rounding
    if isinstance(low, int) and isinstance(step, int):
        return IntDistribution(low, int(high), step=step)
    return FloatDistribution(low, float(high), step=step)


def text_of(dimension: Dimension, value: Any) -> str:
    """A value that Optuna chose, as it is typed."""
    if isinstance(dimension, Choice):
        return str(value)
    if isinstance(dimension, Interval):
        return repr(value)
    return str(min(dimension.numbers, key=lambda number: abs(number - value)))  # as in a grid
