"""MNIST epochs of the default perceptron, every other one with a checkpoint written beside it.

The checkpoint of an epoch is written while the next one trains, so an epoch's time begins with the handing
over of the state before it. All make the snapshot that the runner makes after each epoch in any case. The
first two epochs warm up. The last line of stdout says
``{"with": [s, …], "without": [s, …], "writes": [s, …]}``: the epochs of each kind, and what the writing
thread had still to do when such an epoch was over.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch

from benchmarks.programs.task import LR
from runner.build import build
from runner.checkpoints.keeper import Keeper
from runner.config.check import check
from runner.config.compose import compose_run
from runner.config.overrides import as_override
from runner.experiment import training_of
from runner.prepare import draw_parameters, load
from runner.process.parallel import ALONE


def measure(data: Path, pairs: int, threads: int, folder: Path) -> dict[str, list[float]]:
    """Train; the order within a pair changes from pair to pair."""
    torch.set_num_threads(threads)
    config = check(compose_run(overrides(data), None).plain)
    parts = build(config)
    loaded = load(config, parts.device, ALONE)
    draw_parameters(parts)
    training = training_of(config, parts, loaded, ALONE)
    found: dict[str, list[float]] = {"with": [], "without": [], "writes": []}
    about = {"run_id": "benchmark", "config": config.plain}
    for pair in range(1 + pairs):
        for is_written in (pair % 2 == 0, pair % 2 == 1):
            with Keeper(folder, 1 if is_written else None, about) as keeper:
                state = training.snapshot()
                started = perf_counter()
                keeper.show(state, best=1)
                training.epoch()
                training.snapshot()
                trained = perf_counter()
            if pair:
                found["with" if is_written else "without"].append(trained - started)
                if is_written:
                    found["writes"].append(perf_counter() - trained)
    return found


def overrides(data: Path) -> list[str]:
    """What would be typed."""
    return [
        "model=mlp",
        "data=mnist",
        f"data.root={as_override(str(data.absolute()))}",
        "optim=momentum",
        f"optim.lr={LR['mlp']}",
        "train.epochs=100000",
        "device=cpu",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--folder", type=Path, help="where to write; one that is gone afterwards otherwise")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        place = options.folder or Path(folder)
        print(json.dumps(measure(options.data, options.pairs, options.threads, place)))


if __name__ == "__main__":
    main()
