"""Whoever may end a job before its last epoch: a study's pruner."""

from typing import Protocol


class Watch(Protocol):
    """Is asked about jobs that train, from any thread."""

    def should_continue(self, job: int, epoch: int, objective: float) -> bool:
        """Take a job's objective after an epoch; false ends the job."""

    def job_ended(self, job: int, objective: float | None) -> None:
        """Take the objective of a job that has ended; None if it failed."""
