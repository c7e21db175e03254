"""One run with its tracking timed, or the same run without any.

The clock starts when everything is imported, MLflow's stores among it, also where nothing is tracked: to
import is not to track. It stops when the run's result is there. The last line of stdout says
``{"wall": s, "calls": s, "saving": s, "drawing": s, "losses": [...]}``: the whole run, what the main thread
spent in the tracker (opening the run, handing metrics over, ending the run), what it spent on saving the
model, and on the pictures, the import of what draws them among it.
"""

import argparse
import importlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch

import runner
from benchmarks.programs.task import LR
from benchmarks.stopwatch import Stopwatch
from runner.config.overrides import as_override
from runner.tracking.location import Location

CALLS, SAVING, DRAWING, REST = "calls", "saving", "drawing", "rest"

PHASES = {
    "runner.tracking.tracker:Tracker.__init__": CALLS,
    "runner.tracking.tracker:Tracker.__enter__": CALLS,
    "runner.tracking.tracker:Tracker.metrics": CALLS,
    "runner.tracking.tracker:Tracker.leave": CALLS,
    "runner.tracking.tracker:Tracker.__exit__": CALLS,
    "runner.experiment:save_model": SAVING,
    "runner.experiment:drawn": DRAWING,
}

NOWHERE = "nowhere"

IMPORTED_BEFORE = (
    "runner.config.compose",
    "runner.config",
    "runner.experiment",
    "runner.tracking.model",
    "runner.tracking.terminal",
    "mlflow.pyfunc",
    "mlflow.store.tracking.rest_store",
    "mlflow.store.tracking.sqlalchemy_store",
)


class NoTracker:
    """Takes the tracker's place and does nothing."""

    name = "untracked"
    location = Location(NOWHERE, "", "")

    def __init__(self, *args: object) -> None:
        pass

    def __enter__(self) -> "NoTracker":
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def learns_from(self, data: object) -> None:
        """Nothing."""

    def metrics(self, values: object, step: int) -> None:
        """Nothing."""

    def leave(self, files: object) -> None:
        """Nothing."""


def overrides(options: argparse.Namespace, folder: str) -> list[str]:
    """What would be typed."""
    return [
        "model=mlp",
        "data=mnist",
        f"data.root={as_override(str(options.data.absolute()))}",
        "optim=momentum",
        f"optim.lr={LR['mlp']}",
        f"train.epochs={options.epochs}",
        "device=cpu",
        f"tracking.uri={as_override(options.uri)}",
        f"tracking.log_model={str(options.save).lower()}",
        f"tracking.pictures={str(options.draw).lower()}",
        f"hydra.run.dir={as_override(folder)}",
    ]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run it once."""
    torch.set_num_threads(options.threads)
    for module in IMPORTED_BEFORE:
        importlib.import_module(module)
    watch = Stopwatch(PHASES)
    watch.find_functions()
    without: AbstractContextManager[object] = (
        patch("runner.experiment.Tracker", NoTracker) if options.uri == NOWHERE else nullcontext()
    )
    with TemporaryDirectory() as folder, without, watch.phase(REST):
        started = perf_counter()
        result = runner.run(overrides(options, folder))
        wall = perf_counter() - started
    losses = [epoch.metrics["train/loss"] for epoch in result.epochs]
    phases = {phase: watch.seconds[phase] for phase in (CALLS, SAVING, DRAWING)}
    return {"wall": wall, **phases, "losses": losses}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--uri", default=NOWHERE, help="the store; without it nothing is tracked")
    parser.add_argument("--save", action="store_true", help="save the model too")
    parser.add_argument("--draw", action="store_true", help="draw the pictures too")
    print(json.dumps(measure(parser.parse_args(arguments))))


if __name__ == "__main__":
    main()
