"""The runner as its users call it for one run, ``runner.run([...])``, one member of the grid after the other.

The time of an epoch is the one that the runner itself reports, as in ``runner_fit``.
"""

from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import torch

import runner
from benchmarks.programs import grid as common
from benchmarks.programs.grid import Grid, Member, Trained
from runner.config.overrides import as_override


def measure(grid: Grid) -> Trained:
    """Train them; the runner times itself."""
    torch.set_num_threads(grid.threads)
    with TemporaryDirectory() as folder:
        runs = [runner.run(overrides(grid, member, Path(folder))).epochs for member in grid.each]
    by_epoch = list(zip(*runs, strict=True))
    return Trained(
        epochs=[mean(epoch.metrics["time/epoch_seconds"] for epoch in epochs) for epochs in by_epoch],
        losses=[mean(epoch.metrics["train/loss"] for epoch in epochs) for epochs in by_epoch],
        way=f"one after the other, {grid.threads} threads",
    )


def overrides(grid: Grid, member: Member, folder: Path) -> list[str]:
    """What would be typed, with everything that the run writes under ``folder``."""
    return [
        *grid.shared,
        f"optim.lr={member.lr}",
        f"optim.beta={member.beta}",
        f"seed={member.seed}",
        f"tracking.uri={as_override(f'sqlite:///{folder}/mlflow.db')}",
        "tracking.log_model=false",
        "tracking.pictures=false",
        f"hydra.run.dir={as_override(f'{folder}/run')}",
    ]


if __name__ == "__main__":
    common.main(measure)
