"""Optuna's study of a sweep: opened, or continued where an earlier sweep left it."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import OptunaError
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from runner.config import sqlite_uri
from runner.errors import ConfigError, unknown
from runner.objective import smaller_is_better

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
"""How a trial ends that need not be had again."""


def directed(objectives: Sequence[str], given: str | Sequence[str] | None) -> dict[str, str]:
    """Each objective with ``minimize`` or ``maximize``: as given, else by the metric's name.

    Raises:
        ConfigError: if there are not as many directions as objectives, or one is neither.
    """
    if given is None:
        return {metric: "minimize" if smaller_is_better(metric) else "maximize" for metric in objectives}
    said = [given] if isinstance(given, str) else given
    path, known = "hydra.sweeper.direction", ("minimize", "maximize")
    problems = [unknown(path, one, known) for one in said if one not in known]
    if len(said) != len(objectives):
        problems.append(f"{path}: {len(said)} for {len(objectives)} objectives ({', '.join(objectives)})")
    if problems:
        raise ConfigError(problems)
    return dict(zip(objectives, said, strict=True))


def open_study(
    storage: str | None,
    name: str | None,
    objectives: Mapping[str, str],
    distributions: Mapping[str, BaseDistribution],
) -> optuna.Study:
    """Open a study; of one that exists, fail the trials that a killed process has left running.

    Args:
        storage: a URL as SQLAlchemy knows it; None keeps the study in memory.
        name: the study's, by which a later sweep continues it.
        objectives: each metric with its direction.
        distributions: what each key's value is chosen from.

    Raises:
        ConfigError: if the storage can't be used, or has a study of that name of something else.
    """
    if storage is not None:
        if name is None:
            raise ConfigError(["hydra.sweeper.study_name: missing: it is how a stored study is found again"])
        file = sqlite_uri.to_path(storage)
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=[StudyDirection[direction.upper()] for direction in objectives.values()],
            load_if_exists=True,
        )
    except (ImportError, RuntimeError, ValueError, OptunaError, SQLAlchemyError) as error:
        raise ConfigError([f"hydra.sweeper.storage: '{storage}': {error}"]) from error
    refuse_another(study, objectives, distributions)
    study.set_user_attr("objectives", dict(objectives))
    fail_unfinished(study)
    return study


def refuse_another(
    study: optuna.Study, objectives: Mapping[str, str], distributions: Mapping[str, BaseDistribution]
) -> None:
    """Refuse to continue a study of other objectives or of values that do not go with these.

    Raises:
        ConfigError: naming what differs.
    """
    advice = f"for study '{study.study_name}'. Another hydra.sweeper.study_name starts a new one"
    problems = []
    directions = (direction.name.lower() for direction in study.directions)
    aims = study.user_attrs.get("objectives") or dict(zip(objectives, directions, strict=False))
    if aims != dict(objectives):
        problems.append(f"hydra.sweeper.objectives: {dict(objectives)} now, {aims} before {advice}")
    for trial in study.get_trials(deepcopy=False)[-1:]:
        for key in distributions.keys() & trial.distributions.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], distributions[key])
            except ValueError:
                before = trial.distributions[key]
                problems.append(f"{key}: {distributions[key]} now, {before} before {advice}")
    if problems:
        raise ConfigError(sorted(problems))


def fail_unfinished(study: optuna.Study) -> None:
    """Fail the trials that were asked for and will be told no more."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def count(study: optuna.Study, states: Sequence[TrialState]) -> int:
    """How many trials ended so."""
    return len(study.get_trials(deepcopy=False, states=tuple(states)))
