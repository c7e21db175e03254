"""A launcher that trains nothing, and a sweep with it through Hydra's own machinery."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus

from runner.config.compose import conf_folder, register_resolvers
from runner.sweep.callback import SweepFolder
from runner.sweep.watch import Watch

Values = Mapping[str, str]


class FakeLauncher:
    """Answers each job with a number made of its overrides.

    Attributes:
        batches: what it was given: the first job's number and each job's overrides.
    """

    composes_each_job = True

    def __init__(self, objective: Callable[[Values], float] = lambda values: 0.0) -> None:
        self.objective = objective
        self.batches: list[tuple[int, list[list[str]]]] = []

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        """Run a batch."""
        self.batches.append((initial_job_idx, [list(overrides) for overrides in job_overrides]))
        return [
            JobReturn(status=JobStatus.COMPLETED, _return_value=self.run(job, values_of(overrides)))
            for job, overrides in enumerate(job_overrides, initial_job_idx)
        ]

    def run(self, job: int, values: Values) -> float:
        """Run a job."""
        return self.objective(values)

    @property
    def jobs(self) -> list[list[str]]:
        """All jobs of all batches."""
        return [job for _, batch in self.batches for job in batch]


class FakeTrainer(FakeLauncher):
    """Tells of epochs, in each of which a job is where it will be in the end."""

    watch: Watch | None = None
    epochs = 4

    def __init__(self, objective: Callable[[Values], float]) -> None:
        super().__init__(objective)
        self.trained: dict[int, int] = {}

    def run(self, job: int, values: Values) -> float:
        """Run a job until it is done or stopped."""
        for epoch in range(1, self.epochs + 1):
            self.trained[job] = epoch
            if self.watch and not self.watch.should_continue(job, epoch, self.objective(values)):
                break
        if self.watch:
            self.watch.job_ended(job, self.objective(values))
        return self.objective(values)


def values_of(overrides: Sequence[str]) -> dict[str, str]:
    """``["a=1"]`` as ``{"a": "1"}``."""
    return dict(override.split("=", 1) for override in overrides)


def sweep(folder: Path, launcher: FakeLauncher, *arguments: str) -> None:
    """What ``python -m runner -m <arguments>`` does between the command line and the launcher."""
    register_resolvers()
    with (
        patch.object(Plugins, "instantiate_launcher", lambda *_, **__: launcher),
        patch.object(SweepFolder, "path", None),
        initialize_config_dir(str(conf_folder()), version_base="1.3"),
    ):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.multirun(
            "config", print, [f"hydra.sweep.dir={folder}", *arguments], with_log_configuration=False
        )
