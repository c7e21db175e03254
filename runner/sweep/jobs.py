"""The jobs of a sweep that can be trained, and which of them can share a program."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from runner.build import Parts, build
from runner.config.check import Config, check
from runner.config.compose import launch_of
from runner.config.plain import NO_IDENTITY, in_order
from runner.errors import ConfigError
from runner.optim.stacking import is_number
from runner.process.launch import Launch
from runner.process.masking import masked_words
from runner.sweep.points.cells import Cell


@dataclass(frozen=True)
class Job:
    """A job that is about to be trained: checked and built, its parameters not drawn yet.

    ``run_id`` is its run in the store if that was begun in an earlier sweep and goes on.
    """

    cell: Cell
    config: Config
    parts: Parts
    launch: Launch
    run_id: str | None = None

    @property
    def number(self) -> int:
        """Its place in the sweep, from 0."""
        return self.cell.job

    @property
    def name(self) -> str:
        """What its run is called."""
        return self.launch.run_name(str(self.config.plain["optim"]["type"]), self.config.seed)


@dataclass(frozen=True)
class Problem:
    """A job that cannot be trained, and why."""

    cell: Cell
    launch: Launch
    error: ConfigError

    @property
    def number(self) -> int:
        """Its place in the sweep, from 0."""
        return self.cell.job

    @property
    def name(self) -> str:
        """What it is called: by what was typed."""
        return masked_words(self.cell.overrides)


def check_all(cells: Sequence[Cell], command: str) -> tuple[list[Job], list[Problem]]:
    """Check and build jobs; those whose config is wrong are told apart.

    Args:
        cells: the jobs.
        command: the command line that started them.
    """
    jobs, problems = [], []
    for cell in cells:
        launch = launch_of(cell.composed.hydra, cell.folder, command)
        try:
            jobs.append(make_job(cell, launch))
        except ConfigError as error:
            problems.append(Problem(cell, launch, error))
    return jobs, problems


def make_job(cell: Cell, launch: Launch) -> Job:
    """Check and build a job.

    Raises:
        ConfigError: if its config is wrong.
    """
    if cell.problem is not None:
        raise cell.problem
    config = check(cell.plain)
    return Job(cell, config, build(config), launch)


def groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """The jobs that can share a program, together; large groups first, else in the jobs' order."""
    together: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        together[program_of(job.config)].append(job)
    return sorted(together.values(), key=len, reverse=True)


def program_of(config: Config) -> str:
    """What the members of a stack have in common: all but seeds, first values, and numbers of the rule.

    A schedule is no part of a program: learning rates are told from outside.
    """
    own = {*NO_IDENTITY, "seed", "schedule"}
    shared = {key: value for key, value in config.plain.items() if key not in own}
    shared["model"] = in_order(config.plain["model"]["layers"], leave_out="init")
    shared["optim"] = [
        config.plain["optim"]["type"],
        {name: value for name, value in vars(config.rule).items() if not is_number(value)},
        config.plain["optim"]["groups"],
        [config.optim.clip_norm is None, config.optim.clip_value is None],
    ]
    return json.dumps(shared, sort_keys=True, default=str)
