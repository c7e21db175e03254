"""The runner as its users call it: ``runner.run([...])``, tracked in a SQLite store.

The time of an epoch is the one that the runner itself reports, ``time/epoch_seconds``: its training pass,
with loss and accuracy over it, beside the thread that writes metrics. The evaluation after it is not in it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import runner
from benchmarks.programs import task as common
from benchmarks.programs.task import Task, Timing
from runner.config.overrides import as_override


def measure(task: Task) -> Timing:
    """Train; the runner times itself."""
    torch.set_num_threads(task.threads)
    with TemporaryDirectory() as folder:
        result = runner.run(overrides(task, Path(folder)))
    metrics = [epoch.metrics for epoch in result.epochs]
    return Timing([m["time/epoch_seconds"] for m in metrics][1:], [m["train/loss"] for m in metrics])


def overrides(task: Task, folder: Path) -> list[str]:
    """What would be typed, with everything that the run writes under ``folder``."""
    return [
        f"model={task.model}",
        "data=mnist",
        f"data.root={as_override(str(task.data.absolute()))}",
        "optim=momentum",
        f"optim.lr={task.lr}",
        f"train.epochs={1 + task.epochs}",
        f"device={task.device}",
        f"tracking.uri={as_override(f'sqlite:///{folder}/mlflow.db')}",
        "tracking.log_model=false",
        "tracking.pictures=false",
        f"hydra.run.dir={as_override(f'{folder}/run')}",
    ]


if __name__ == "__main__":
    common.main(measure)
