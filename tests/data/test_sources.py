"""What every data source promises, and what each of them is."""

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

from runner.data.arrays import Arrays
from runner.data.dataset import Source
from runner.data.digits import Digits
from runner.data.mnist import MNIST
from runner.data.synthetic import LinearMap
from runner.errors import DataError
from runner.nn.layers.layer import Build
from runner.nn.layers.linear import Linear
from runner.nn.layers.shape import Flatten, Reshape
from runner.registry import SOURCES
from tests.conftest import REPOSITORY
from tests.data.files import (
    write_california,
    write_cifar10,
    write_cifar100,
    write_csv,
    write_emnist,
    write_fashion_mnist,
    write_images,
    write_kmnist,
    write_parquet,
    write_series,
    write_svhn,
    write_text,
)
from tests.sweep.composed import jobs_of
from tests.test_catalogue import SEEDS, SHORT, check


def write_arrays(folder: Path) -> Arrays:
    """Twelve images of four classes to train on, eight to test on."""
    for part, count in (("", 12), ("test_", 8)):
        np.save(folder / f"{part}inputs.npy", np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3))
        np.save(folder / f"{part}targets.npy", np.arange(count) % 4)
    return arrays_in(folder, classes=4)


def arrays_in(folder: Path, classes: int | None) -> Arrays:
    """The files that a test has written."""
    return Arrays(
        root=folder,
        inputs=Path("inputs.npy"),
        targets=Path("targets.npy"),
        test_inputs=Path("test_inputs.npy"),
        test_targets=Path("test_targets.npy"),
        classes=classes,
    )


WRITTEN: Mapping[str, Callable[[Path], Source]] = {
    "arrays": write_arrays,
    "california": write_california,
    "csv": write_csv,
    "parquet": write_parquet,
    "text": write_text,
    "sequence": write_series,
    "image_folder": write_images,
    "fashion_mnist": write_fashion_mnist,
    "kmnist": write_kmnist,
    "emnist": write_emnist,
}
"""Sources that read files, each with what writes small ones of its kind."""

CHECKED: Mapping[str, Callable[[Path, pytest.MonkeyPatch], Source]] = {
    "cifar10": write_cifar10,
    "cifar100": write_cifar100,
    "svhn": write_svhn,
}
"""Likewise, where torchvision knows the files' MD5 and has to be told of others."""


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    if request.param == "mnist":
        return MNIST(root=request.getfixturevalue("mnist_root"))
    if request.param in CHECKED:
        return CHECKED[request.param](tmp_path, monkeypatch)
    write = WRITTEN.get(request.param)
    return write(tmp_path) if write else SOURCES[request.param]()


def test_a_source_gives_what_it_told_beforehand(source: Source) -> None:
    data = source.load()
    for split in (data.train, data.test):
        assert split.inputs.shape == (len(split), *source.in_shape)
        assert split.task == source.task
        assert split.inputs.dtype == torch.float32
        assert split.inputs.isfinite().all()
        assert split.inputs.is_contiguous()
        if source.task == "classification":
            assert split.targets.dtype == torch.int64
            assert split.targets.shape == (len(split), *source.out_shape[:-1])
            assert torch.unique(split.targets).tolist() == list(range(source.out_shape[-1]))
        else:
            assert split.targets.shape == (len(split), *source.out_shape)
            assert split.targets.dtype == torch.float32


def test_a_source_gives_the_same_every_time(source: Source) -> None:
    one, other = source.load(), source.load()
    assert torch.equal(one.train.inputs, other.train.inputs)
    assert torch.equal(one.test.targets, other.test.targets)


@pytest.mark.usefixtures("one_thread")
def test_a_source_can_be_learnt_from_alone_and_by_several_at_once(source: Source) -> None:
    task = "loss=cross_entropy" if source.task == "classification" else "data=linear loss=mse model=linear"
    layers: dict[str, Build] = {
        "flat": partial(Flatten),
        "l": partial(Linear, out_features=prod(source.out_shape)),
        "out": partial(Reshape, shape=source.out_shape),
    }
    jobs = [
        replace(job, config=replace(job.config, layers=layers, source=source))
        for job in jobs_of(SEEDS, f"{SHORT} {task} optim.lr=1e-4")
    ]
    whole = source.load()
    check(jobs, replace(whole, train=whole.train.first(96), test=whole.test.first(40)))


def test_digits_are_split_by_class_and_lie_between_0_and_1() -> None:
    data = Digits().load()
    assert (len(data.train), len(data.test)) == (1437, 360)
    assert data.train.inputs.min() == 0
    assert data.train.inputs.max() == 1
    shares = [split.targets.bincount() / len(split) for split in (data.train, data.test)]
    torch.testing.assert_close(shares[0], shares[1], atol=0.005, rtol=0)


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data = Digits().load()
    splits = (data.train, data.test)
    ours = torch.cat([torch.cat([s.inputs.flatten(1) * 16, s.targets[:, None]], dim=1) for s in splits])
    theirs = np.column_stack(load_digits(return_X_y=True))
    assert sorted(ours.tolist()) == sorted(theirs.tolist())


def test_digits_are_read_without_importing_scikit_learn() -> None:
    program = (
        "import sys; from runner.data.digits import Digits; Digits().load(); print('sklearn' in sys.modules)"
    )
    read = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert read.stdout == "False\n"


def test_mnist_is_the_original(mnist_root: Path) -> None:
    data = MNIST(root=mnist_root).load()
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert data.train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.train.inputs.max() == 1
    assert data.train.inputs.mean().item() == pytest.approx(0.1307, abs=1e-4)


def test_mnist_that_is_not_there_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nothing listens there
    with pytest.raises(DataError) as error:
        MNIST(root=tmp_path).load()
    message = str(error.value)
    assert str(tmp_path / "MNIST" / "raw") in message
    assert "data.root=<folder>" in message
    assert "with a network" in message
    assert "\n" not in message


def test_files_that_are_not_mnist_are_refused(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in (("train", 3), ("t10k", 2)):
        images = (
            b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28)) + bytes(count * 784)
        )
        labels = b"\0\0\x08\x01" + (count + 1).to_bytes(4, "big") + bytes(count + 1)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(DataError, match=r"3, 28, 28.*4 labels"):
        MNIST(root=tmp_path).load()


@pytest.mark.slow
def test_a_torchvision_that_does_not_fit_says_what_to_reinstall(tmp_path: Path) -> None:
    broken = tmp_path / "torchvision"
    broken.mkdir()
    (broken / "__init__.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")')
    run = subprocess.run(
        [sys.executable, "-m", "runner", "data=mnist"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{REPOSITORY}", "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "operator torchvision::nms does not exist" in run.stderr
    assert "pip install --force-reinstall torch torchvision" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_linear_map_can_be_learnt_exactly() -> None:
    data = LinearMap(samples=200, features=3, targets=2, noise=0).load()
    with_one = torch.cat([data.train.inputs, torch.ones(160, 1)], dim=1)
    solution = torch.linalg.lstsq(with_one, data.train.targets).solution
    predicted = torch.cat([data.test.inputs, torch.ones(40, 1)], dim=1) @ solution
    torch.testing.assert_close(predicted, data.test.targets, atol=1e-4, rtol=1e-4)


def test_the_first_samples_can_be_taken_alone() -> None:
    train = Digits().load().train
    assert len(train.first(100)) == 100
    assert torch.equal(train.first(100).inputs, train.inputs[:100])
    assert len(train.first(None)) == len(train)


@pytest.mark.parametrize(("name", "source"), [("cifar10", "cifar10"), ("svhn", "svhn")], indirect=["source"])
def test_colours_come_first(name: str, source: Source) -> None:
    image = source.load().train.samples[0]
    assert image.dtype == torch.uint8
    assert image[:, 0, 0].tolist() == [1, 2, 3]
    assert image.sum() == 6


def test_letters_are_upright_and_counted_from_0(tmp_path: Path) -> None:
    train = write_emnist(tmp_path).load().train
    assert train.samples[0, 0, :2, 0].tolist() == [255, 100]
    assert train.targets.tolist() == list(range(26))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("fashion_mnist", "FashionMNIST/raw"),
        ("kmnist", "KMNIST/raw"),
        ("emnist", "EMNIST/raw"),
        ("cifar10", "cifar-10-batches-py"),
        ("cifar100", "cifar-100-python"),
        ("svhn", "train_32x32.mat and test_32x32.mat"),
        ("california", "california/cal_housing.tgz"),
    ],
)
def test_a_set_that_cannot_be_downloaded_names_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(DataError) as error:
        SOURCES[name](root=tmp_path).load()
    message = str(error.value)
    for part in (f"data={name}", str(tmp_path), place, "data.root=<folder>", "with a network"):
        assert part in message
    assert "\n" not in message
