"""Jobs as a sweep has them: composed from the runner's own YAML, checked and built."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.config.compose import conf_folder, register_resolvers
from runner.data.dataset import Dataset
from runner.nn.layers.layer import Layer
from runner.prepare import load
from runner.process.parallel import ALONE
from runner.sweep.blocks import training_of, with_parameters
from runner.sweep.books.messages import Ended, Measured, Opened, ToBooks
from runner.sweep.jobs import Job, check_all
from runner.sweep.planning.lanes import Stop
from runner.sweep.points.cells import Composer
from runner.sweep.progress import Progress
from runner.sweep.record import JobResult
from runner.sweep.watch import Watch
from runner.training.loop import Epoch


@cache
def config_loader() -> ConfigLoader:
    """Hydra's, for the runner's own YAML."""
    register_resolvers()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        return hydra.config_loader


@cache
def master_of(*overrides: str) -> DictConfig:
    """A sweep's config."""
    return config_loader().load_configuration("config", ["hydra.mode=MULTIRUN", *overrides], RunMode.MULTIRUN)


@cache
def composer_of(*overrides: str) -> Composer:
    """What composes a sweep's jobs."""
    return Composer(config_loader(), master_of(*overrides))


def jobs_of(overrides: Sequence[str], common: str = "", folder: Path | str = "sweep") -> list[Job]:
    """A job for each line of overrides, which come after those that all have in common."""
    composer = composer_of(f"hydra.sweep.dir={folder}", *common.split())
    lines = [[*common.split(), *each.split()] for each in overrides]
    jobs, problems = check_all(composer.cells(lines, 0), "python -m runner -m")
    assert not problems, [str(problem.error) for problem in problems]
    return jobs


@cache
def digits() -> Dataset:
    """What jobs read if nothing else is said."""
    return load(jobs_of([""])[0].config, jobs_of([""])[0].parts.device, ALONE)


def data_of(job: Job) -> Dataset:
    """What a job reads."""
    return load(job.config, job.parts.device, ALONE)


def with_layer(job: Job, name: str, layer: Callable[..., Layer]) -> Job:
    """The same job with one layer that no YAML knows."""
    return replace(job, config=replace(job.config, layers={**job.config.layers, name: partial(layer)}))


def alone(job: Job, data: Dataset) -> list[Epoch]:
    """The epochs of a job that trains by itself."""
    return list(training_of(job, with_parameters(job), data, Stop(), job.config.train.epochs))


@dataclass
class Heard:
    """Books that only remember."""

    messages: list[ToBooks] = field(default_factory=list)

    def tell(self, message: ToBooks) -> None:
        """Take one."""
        self.messages.append(message)

    @property
    def opened(self) -> list[int]:
        """The jobs that have begun."""
        return [message.job for message in self.messages if isinstance(message, Opened)]

    @property
    def ends(self) -> dict[int, Ended]:
        """How jobs ended."""
        return {message.result.job: message for message in self.messages if isinstance(message, Ended)}

    @property
    def results(self) -> dict[int, JobResult]:
        """What jobs came to."""
        return {job: end.result for job, end in self.ends.items()}

    def steps(self, job: int) -> list[int]:
        """The steps at which a job was measured."""
        return [each.step for each in self.messages if isinstance(each, Measured) and job in each.metrics]

    def progress(
        self, *, watch: Watch | None = None, stop: Stop | None = None, fail_fast: bool = False
    ) -> Progress:
        """Something to train with that reports here."""
        return Progress(self, Nobody(), watch, stop or Stop(), fail_fast)


class Nobody:
    """Looks at nothing."""

    def epoch(self, job: int, name: str, number: int, epochs: int, objective: float) -> None:
        """Nothing."""
