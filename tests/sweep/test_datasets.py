"""Data is read once for all jobs that want it, and that which cannot be had hinders nobody else."""

import pytest
import torch

from runner.errors import DataError
from runner.sweep.datasets import Datasets
from tests.sweep.composed import jobs_of


def test_jobs_that_want_the_same_data_share_it() -> None:
    first, second, other = jobs_of(["seed=0", "seed=1 optim=momentum", "data.limit=10"])
    datasets = Datasets()
    assert datasets.of(first) is datasets.of(second)
    assert datasets.of(other) is not datasets.of(first)
    assert len(datasets.of(other).train) == 10


def test_jobs_whose_data_cannot_be_had_are_told_apart(mnist_missing: str) -> None:
    good, missing, too_large = jobs_of(
        ["model=linear", mnist_missing, "data=linear loss=mse model=linear data.samples=1000000000000"]
    )
    datasets = Datasets()
    ready, unreadable = datasets.split([good, missing, too_large])
    assert ready == [good]
    assert [job for job, _ in unreadable] == [missing, too_large]
    assert isinstance(unreadable[0][1], DataError)
    assert "memory" in str(unreadable[1][1])
    with pytest.raises(DataError):
        datasets.of(missing)


@pytest.fixture
def mnist_missing(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Overrides of a job whose files are damaged."""
    root = tmp_path_factory.mktemp("data")
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{name}-ubyte").write_bytes(b"damaged")
    return f"data=mnist data.root={root} model=linear"


def test_data_is_on_the_jobs_device() -> None:
    (job,) = jobs_of([""])
    assert Datasets().of(job).train.samples.device == torch.device("cpu")
