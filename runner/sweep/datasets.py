"""Data that a sweep's jobs read, each once."""

from collections.abc import Sequence

from runner.data.dataset import Dataset
from runner.prepare import identity_of_data, load
from runner.process.parallel import ALONE
from runner.sweep.jobs import Job

OBSTACLES = (Exception, SystemExit)
"""Why data cannot be had, whatever it is: one job's data must not end the others."""


class Datasets:
    """Data by what the config says of it, kept for the next job that wants the same."""

    def __init__(self) -> None:
        self._loaded: dict[str, Dataset | BaseException] = {}

    def of(self, job: Job) -> Dataset:
        """A job's data, on its device.

        Raises:
            Exception: if it cannot be had; to ask again is in vain.
        """
        key = f"{job.parts.device} {identity_of_data(job.config)}"
        if key not in self._loaded:
            try:
                self._loaded[key] = load(job.config, job.parts.device, ALONE)
            except OBSTACLES as error:
                self._loaded[key] = error
        found = self._loaded[key]
        if isinstance(found, BaseException):
            raise found
        return found

    def split(self, jobs: Sequence[Job]) -> tuple[list[Job], list[tuple[Job, BaseException]]]:
        """The jobs whose data can be had, and the others with the reason."""
        ready: list[Job] = []
        unreadable: list[tuple[Job, BaseException]] = []
        for job in jobs:
            try:
                self.of(job)
                ready.append(job)
            except OBSTACLES as error:
                unreadable.append((job, error))
        return ready, unreadable
