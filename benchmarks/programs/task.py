"""What all programs share: the task, its command line, MNIST, the clock, and one line of JSON at the end.

The task is the same for everyone: batches of 128 in an order drawn anew each epoch, the short last batch of
96 included, weights and biases uniform within 1/sqrt(fan_in), cross-entropy of logits, and the article's
momentum with a lasting velocity: ``v = 0.9 v + 0.1 g; p -= lr v``. The first epoch warms up and is not timed.
An epoch's loss is summed on the device and read once, at its end, within the time.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

BATCH = 128
BETA = 0.9
LR = {"mlp": 0.3, "lenet": 0.5, "lstm": 0.5}
SHAPES = {"mlp": (784,), "lenet": (1, 28, 28), "lstm": (28, 28)}
"""What a sample looks like to each model: flat, an image with one channel, 28 rows to be read one by one."""


@dataclass(frozen=True)
class Task:
    """What a program is to do.

    Attributes:
        model: mlp (784-128-10), lenet (LeNet-5) or lstm (hidden size 128).
        data: the folder that holds ``MNIST/raw``.
        epochs: how many are timed, after one that is not.
        threads: how many compute.
        device: cpu or cuda.
    """

    model: str
    data: Path
    epochs: int
    threads: int
    device: str = "cpu"

    @property
    def lr(self) -> float:
        """The learning rate, the same in all programs."""
        return LR[self.model]

    def mnist(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The training part: pixels in [0, 1] in the model's shape ``[N, …]``, and classes ``[N]``."""
        folder = self.data / "MNIST" / "raw"
        pixels = read_idx(folder / "train-images-idx3-ubyte")
        labels = read_idx(folder / "train-labels-idx1-ubyte")
        images = pixels.astype(np.float32) / np.float32(255)
        return images.reshape(-1, *SHAPES[self.model]), labels.astype(np.int64)


@dataclass(frozen=True)
class Timing:
    """What a program found.

    Attributes:
        seconds: one a timed epoch.
        losses: the mean training loss of each epoch, the warm-up's first.
        compile_seconds: what was spent on compiling, which is in no epoch.
    """

    seconds: list[float]
    losses: list[float]
    compile_seconds: float | None = None


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An idx file of bytes: 0, 0, type 8, the number of dimensions, each as a big-endian int32, the data.

    Raises:
        ValueError: if it is something else.
    """
    raw = path.read_bytes()
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path.name} is no idx file of bytes")
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">i4", dimensions, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def time_epochs(task: Task, epoch: Callable[[], float]) -> Timing:
    """Call ``epoch``, which trains once through the data and returns its mean loss, and time each call."""
    seconds, losses = [], []
    for _ in range(1 + task.epochs):
        started = perf_counter()
        losses.append(epoch())
        seconds.append(perf_counter() - started)
    return Timing(seconds[1:], losses)


def main(program: Callable[[Task], Timing]) -> None:
    """Read the command line, run the program, print what it found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=list(LR), required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    timing = program(Task(**vars(parser.parse_args())))
    print(json.dumps(asdict(timing)))
