"""The runner's own sweep over the grid, ``python -m runner -m ...``, with books that stay in memory.

Everything is as in a user's sweep, the choice of the way to train among it, but for the process that writes
to the store: this is the time of training alone. What an epoch takes is what the runner itself reports; of
members in several lanes, which train at the same time, each is given its share.
"""

import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.programs import grid as common
from benchmarks.programs.grid import Grid, Trained
from runner.__main__ import main as runner_main
from runner.config.overrides import as_override
from runner.sweep import launch, train
from runner.sweep.books import ledger
from runner.sweep.books.messages import Ended, Measured, Start, ToBooks
from runner.sweep.planning.plans import Planned
from runner.sweep.record import JobResult


class Books:
    """Takes the ledger's place, and keeps what is said in memory.

    Attributes:
        measured: by the epoch's number, each job's metrics.
        last: when something was said for the last time.
    """

    def __init__(self) -> None:
        self.measured: dict[int, dict[int, Mapping[str, float]]] = {}
        self.last = 0.0
        self._results: dict[int, JobResult] = {}

    def open(self, start: Start, written: Callable[[JobResult], None]) -> None:
        """Nothing is written."""

    def tell(self, message: ToBooks) -> None:
        """Take a message; several threads may."""
        self.last = perf_counter()
        if isinstance(message, Ended):
            self._results[message.result.job] = message.result
        elif isinstance(message, Measured):
            of_epoch = self.measured.setdefault(message.step, {})
            for job, metrics in message.metrics.items():
                of_epoch[job] = {**of_epoch.get(job, {}), **metrics}

    def results(self, jobs: Collection[int]) -> list[JobResult]:
        """What some jobs came to."""
        return [self._results[job] for job in jobs]

    def close(self) -> None:
        """Nothing is open."""


def measure(grid: Grid) -> Trained:
    """Run the sweep in this process, listening to it."""
    torch.set_num_threads(grid.threads)
    opened: list[Books] = []
    planned: list[Planned] = []
    clock: dict[str, float] = {}

    def open_books() -> Books:
        opened.append(Books())
        return opened[-1]

    def plan(*args: Any) -> list[Planned]:
        started = perf_counter()
        planned.extend(train.plan(*args))
        clock["began"] = perf_counter()
        clock["planning"] = clock["began"] - started
        return planned

    with (
        TemporaryDirectory() as folder,
        patch.object(ledger, "Ledger", open_books),
        patch.object(launch, "plan", plan),
        patch.object(sys, "argv", ["runner", "-m", *overrides(grid, Path(folder))]),
    ):
        sweep()
    (books,), (one,) = opened, planned
    by_epoch = [books.measured[number].values() for number in range(1, grid.epochs + 1)]
    way = one.plan.way
    lanes = min(way.lanes, len(way.blocks(one.jobs)))
    return Trained(
        epochs=[mean(each["time/epoch_seconds"] for each in epoch) / lanes for epoch in by_epoch],
        losses=[mean(each["train/loss"] for each in epoch) for epoch in by_epoch],
        way=str(way),
        side_by_side=lanes > 1 and way.threads == 1,
        planning_seconds=clock["planning"],
        wall=(books.last - clock["began"]) / grid.members,
    )


def sweep() -> None:
    """``python -m runner`` with the present command line.

    Raises:
        RuntimeError: if it ends with another exit code than 0.
    """
    try:
        runner_main()
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"the sweep ended with {ended.code}") from ended


def overrides(grid: Grid, folder: Path) -> list[str]:
    """What would be typed, with everything that the sweep writes under ``folder``."""
    return [*grid.shared, *grid.swept, f"hydra.sweep.dir={as_override(str(folder))}"]


if __name__ == "__main__":
    common.main(measure)
