"""A sweep that Optuna steers: its settings in, the best trials out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import optuna
from hydra.core.utils import JobReturn
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import TrialState

from runner.config.compose import key_of
from runner.errors import ConfigError
from runner.sweep.optimize.optimum import tell_optimum, write_optimum
from runner.sweep.optimize.parts import LEARNS_NOTHING, distribution, make_pruner, make_sampler, name_of
from runner.sweep.optimize.search import Search, recorded_values, returned_value
from runner.sweep.optimize.settings import OptunaSettings
from runner.sweep.optimize.study import DONE, count, directed, open_study
from runner.sweep.points.space import Space
from runner.sweep.sweeper import BatchSweeper, Watched, check_at_least
from runner.tracking.used_data import is_preparation

BATCH_SIZE = 16

FIRST_BATCH = 5
"""Trials of the first batch where a pruner is at work: Optuna's median and percentile pruners hold trials
against five that are complete, halving and Hyperband take the number of epochs from the first that is."""


def optimize(
    sweeper: BatchSweeper, settings: OptunaSettings, arguments: Sequence[str]
) -> list[Sequence[JobReturn]]:
    """Have the trials that the study lacks; write down and tell what is best.

    A dry run shows the first batch of a new study and leaves the study's storage alone.

    Raises:
        ConfigError: if the settings are wrong, before any job is launched.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    check_at_least(1, {"trials": settings.trials, "batch_size": settings.batch_size})
    check_at_least(0, {"seed": settings.seed})
    space = space_of(sweeper, arguments)
    returned = str(sweeper.setting("objective"))
    objectives = directed(settings.objectives or [returned], settings.direction)
    one_returned = list(objectives) == [returned]
    pruner = pruner_of(sweeper, settings, one_returned)
    dry_run = bool(sweeper.setting("sweep.dry_run"))
    study = study_of(replace(settings, storage=None) if dry_run else settings, objectives, space)
    measure = returned_value if one_returned else recorded_values(sweeper.folder, objectives)
    search = Search(study, space, sweeper.launch, measure)
    if pruner:
        assert isinstance(sweeper.launcher, Watched)
        study.pruner, sweeper.launcher.watch = pruner, search

    sweeper.write_record()
    missing = max(0, settings.trials - count(study, DONE))
    batch_size = settings.batch_size or default_batch_size(settings, missing)
    starts_small = pruner and settings.batch_size is None and not count(study, [TrialState.COMPLETE])
    first_batch = min(batch_size, FIRST_BATCH if starts_small else batch_size)
    if dry_run:
        return [sweeper.launch(search.ask(0, min(missing, first_batch)), 0)]
    returns = search.run(missing, batch_size, first_batch)
    path = write_optimum(study, objectives, sweeper.folder)
    print(tell_optimum(study, objectives, path), flush=True)
    return returns


def space_of(sweeper: BatchSweeper, arguments: Sequence[str]) -> Space:
    """What the trials vary.

    Raises:
        ConfigError: if that cannot be varied.
    """
    space = sweeper.sampled_space(arguments)
    if "objective" in space.swept:
        raise ConfigError(["objective: cannot be swept here: a study's trials are all held to the same"])
    data = [key for key in map(key_of, space.swept) if key.partition(".")[0] == "data"]
    others = [key for key in data if not is_preparation(key)]
    if others:
        raise ConfigError(
            [f"{others[0]}: cannot be swept here: a study's trials are all held to the same data set"]
        )
    return space


def pruner_of(sweeper: BatchSweeper, settings: OptunaSettings, one_returned: bool) -> BasePruner | None:
    """What stops trials early, if anything does.

    Args:
        sweeper: whose launcher tells of epochs.
        settings: naming the pruner.
        one_returned: whether the only objective is the one that jobs tell of.

    Raises:
        ConfigError: if there is no such pruner, or nothing that it could go by.
    """
    pruner = make_pruner(settings.pruner)
    if isinstance(pruner, NopPruner):
        return None
    path = f"hydra.sweeper.pruner: {settings.pruner}"
    if not one_returned:
        raise ConfigError([f"{path} goes by the config's objective: hydra.sweeper.objectives has others"])
    if not isinstance(sweeper.launcher, Watched):
        launcher = type(sweeper.launcher).__name__
        raise ConfigError([f"{path} needs a launcher that tells of each epoch, which {launcher} does not"])
    return pruner


def study_of(settings: OptunaSettings, objectives: Mapping[str, str], space: Space) -> optuna.Study:
    """The study, new or continued, with its sampler.

    Raises:
        ConfigError: if it cannot be had.
    """
    distributions = {key: distribution(value) for key, value in space.swept.items()}
    study = open_study(settings.storage, settings.study_name, objectives, distributions)
    study.sampler = make_sampler(settings.sampler, settings.seed, len(study.get_trials(deepcopy=False)))
    return study


def default_batch_size(settings: OptunaSettings, missing: int) -> int:
    """All at once where nothing is learnt from a batch for the next one."""
    name = name_of("hydra.sweeper.sampler", settings.sampler)
    return max(1, missing) if name in LEARNS_NOTHING else BATCH_SIZE
