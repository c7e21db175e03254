"""The floor of many members' training: the matrix products of their steps and nothing else.

As ``matmul_floor``, in the faster of two ways: each product with all threads, or members side by side, each
with a thread of its own.
"""

from collections.abc import Callable
from threading import Thread
from time import perf_counter

import torch

from benchmarks.programs import grid as common
from benchmarks.programs.grid import Grid, Trained
from benchmarks.programs.matmul_floor import Step
from benchmarks.programs.task import BATCH, read_idx


def products(samples: int) -> Callable[[], None]:
    """Those of an epoch of one member."""
    full, rest = divmod(samples, BATCH)
    steps = [Step(BATCH)] * full + [Step(rest)] * bool(rest)

    def epoch() -> None:
        for step in steps:
            step.run()

    return epoch


def time_lanes(samples: int, epochs: int, lanes: int, threads: int) -> list[float]:
    """A member's share of each epoch's seconds, where ``lanes`` members are computed at once.

    An epoch more, the first, is not timed.
    """

    def lane(epoch: Callable[[], None]) -> None:
        torch.set_num_threads(threads)
        epoch()

    work = [products(samples) for _ in range(lanes)]
    seconds = []
    for _ in range(1 + epochs):
        workers = [Thread(target=lane, args=(epoch,)) for epoch in work]
        started = perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        seconds.append((perf_counter() - started) / lanes)
    return seconds[1:]


def measure(grid: Grid) -> Trained:
    """Time both ways with a few members of 784-128-10; more take as long each."""
    torch.set_num_threads(grid.threads)
    samples = len(read_idx(grid.data / "MNIST" / "raw" / "train-labels-idx1-ubyte"))
    ways = {(1, grid.threads), (grid.threads, 1)}
    found = {way: time_lanes(min(samples, grid.limit or samples), grid.epochs, *way) for way in ways}
    lanes, threads = min(found, key=lambda way: sum(found[way]))
    return Trained(found[lanes, threads], [], f"{lanes} at once, {threads} threads each", lanes > 1)


if __name__ == "__main__":
    common.main(measure)
