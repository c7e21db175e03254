"""A tiny MNIST that the tests make themselves, and torch as it was before each test."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

SAMPLES = 300
"""Two batches of 128 and a short one of 44."""


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    sizes = np.array(array.shape, ">i4").tobytes()
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


@pytest.fixture(scope="session")
def tiny_mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten classes that are easy to tell apart: each lights up rows and columns of its own."""
    root = tmp_path_factory.mktemp("data")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in ("train", "t10k"):
        labels = (np.arange(SAMPLES) % 10).astype(np.uint8)
        images = random.integers(0, 60, (SAMPLES, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 8, 2 * label : 2 * label + 8] = 255
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    return root


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    """Programs set threads and seeds of their own process, which here is the tests'."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)
