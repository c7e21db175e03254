"""What the programs that train many members share: the grid, its command line, one line of JSON at the end.

A member has a learning rate, a momentum and a seed of its own; all else is as in ``task``. Where the model is
``digits``, it is 64-128-10 on the digits that scikit-learn carries; mlp and lenet learn MNIST.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from math import ceil
from pathlib import Path
from statistics import median
from typing import NamedTuple

from runner.config.overrides import as_override

LRS = (0.01, 0.03, 0.1, 0.3)
BETAS = (0.8, 0.9)
PER_SEED = len(LRS) * len(BETAS)
DIGITS = "digits"
MODELS = (DIGITS, "mlp", "lenet")


class Member(NamedTuple):
    """What is a member's own."""

    lr: float
    beta: float
    seed: int


@dataclass(frozen=True)
class Grid:
    """What a program is to do.

    Attributes:
        model: digits, mlp or lenet.
        members: how many; whole grids of learning rates and momenta, one a seed.
        epochs: that each trains.
        threads: that compute.
        data: the folder that holds ``MNIST/raw``, for mlp and lenet.
        limit: training samples, 0 for all.
        block: members that are computed at once, 0 for all; the runner chooses for itself.
    """

    model: str
    members: int
    epochs: int
    threads: int
    data: Path = Path()
    limit: int = 0
    block: int = 0

    @property
    def each(self) -> list[Member]:
        """The members, the grid's learning rates and momenta with one seed after the other."""
        seeds = range(ceil(self.members / PER_SEED))
        return [Member(lr, beta, seed) for seed, lr, beta in product(seeds, LRS, BETAS)][: self.members]

    @property
    def shared(self) -> list[str]:
        """The overrides that the runner's members have in common."""
        learns = ["data=digits"]
        if self.model != DIGITS:
            root = as_override(str(self.data.absolute()))
            learns = [f"model={self.model}", "data=mnist", f"data.root={root}"]
        limit = [f"data.limit={self.limit}"] if self.limit else []
        return [*learns, *limit, "optim=momentum", f"train.epochs={self.epochs}", "device=cpu"]

    @property
    def swept(self) -> list[str]:
        """The overrides that make a sweep of the grid."""
        return axes(ceil(self.members / PER_SEED))


def axes(seeds: int) -> list[str]:
    """What is typed for all learning rates, momenta and so many seeds."""
    numbers = {"optim.lr": LRS, "optim.beta": BETAS}
    typed = [f"{key}={','.join(map(str, values))}" for key, values in numbers.items()]
    return [*typed, f"seed=range({seeds})"]


@dataclass(frozen=True)
class Trained:
    """What a program found.

    Attributes:
        epochs: for each epoch, a member's share of the seconds.
        losses: for each epoch, the mean training loss over the members; none where nothing is learnt.
        way: how they were trained, if there was a choice.
        side_by_side: whether each worker had one thread, and there were several.
        compile_seconds: what was spent on compiling, which is in no epoch.
        planning_seconds: what was spent on finding the way, which is in no epoch.
        wall: a member's share of the time from the first member's start to the last one's end, evaluation
            included.
    """

    epochs: list[float]
    losses: list[float]
    way: str = ""
    side_by_side: bool = False
    compile_seconds: float | None = None
    planning_seconds: float | None = None
    wall: float | None = None

    @property
    def seconds(self) -> float:
        """A member's share of all epochs' training."""
        return sum(self.epochs)

    @property
    def warm(self) -> float:
        """A member's share of an epoch after the first."""
        return median(self.epochs[1:] or self.epochs)


def main(program: Callable[[Grid], Trained]) -> None:
    """Read the command line, run the program, print what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, required=True)
    for name in ("members", "epochs", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--block", type=int, default=0)
    print(json.dumps(asdict(program(Grid(**vars(parser.parse_args()))))))
