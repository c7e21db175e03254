"""Data files with bytes flipped, replaced, cut off and added: read, or refused in a line that names them."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from runner.config.check import Config, check
from runner.config.compose import compose_run
from runner.data.arrays import Arrays
from runner.data.dataset import Source
from runner.data.image_folder import ImageFolder
from runner.errors import DataError
from runner.prepare import load
from runner.process.parallel import ALONE
from tests.conftest import Injected
from tests.data.files import (
    FLOWERS,
    write_california,
    write_csv,
    write_fashion_mnist,
    write_images,
    write_parquet,
    write_series,
    write_text,
)
from tests.faults.strange import assert_lines, cases, damages

FEW, MANY = 6, 160


@dataclass(frozen=True)
class Kind:
    """A source of one kind of files, the file that is damaged, and its content before."""

    source: Source
    file: Path
    content: bytes


def arrays(folder: Path, name: str, save: Callable[[Path, np.ndarray[Any, Any]], None]) -> Kind:
    """Float inputs in a file of the format that its ending names."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(12, 3)).astype(np.float32)
    save(folder / name, inputs)
    np.save(folder / "y.npy", np.arange(12) % 4)
    file, target = Path(name), Path("y.npy")
    source = Arrays(
        root=folder, inputs=file, targets=target, test_inputs=file, test_targets=target, classes=4
    )
    return Kind(source, folder / name, (folder / name).read_bytes())


def written(source: Source, file: Path) -> Kind:
    """What a writer of small files has written."""
    return Kind(source, file, file.read_bytes())


def idx(folder: Path, name: str) -> Kind:
    """One of the four files of FashionMNIST."""
    return written(write_fashion_mnist(folder), folder / "FashionMNIST" / "raw" / name)


def packed_csv(folder: Path) -> Kind:
    """The flowers' table, packed by gzip."""
    (folder / "flowers.csv.gz").write_bytes(gzip.compress(FLOWERS.encode()))
    return written(replace(write_csv(folder), file=Path("flowers.csv.gz")), folder / "flowers.csv.gz")


def jpeg(folder: Path) -> Kind:
    """One of some images."""
    for place, name in enumerate(["cat", "dog"]):
        (folder / "pets" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (9, 6), (200 * place, 100, 50)).save(folder / "pets" / name / f"{number}.jpg")
    source = ImageFolder(root=folder, folder=Path("pets"), size=8)
    return written(source, folder / "pets" / "cat" / "0.jpg")


KINDS: Mapping[str, Callable[[Path], Kind]] = {
    "idx images": partial(idx, name="train-images-idx3-ubyte"),
    "idx labels": partial(idx, name="train-labels-idx1-ubyte"),
    "npy": partial(arrays, name="x.npy", save=np.save),
    "npz": partial(arrays, name="x.npz", save=lambda path, x: np.savez(path, x=x)),
    "packed npz": partial(arrays, name="x.npz", save=lambda path, x: np.savez_compressed(path, x=x)),
    "pt": partial(arrays, name="x.pt", save=lambda path, x: torch.save({"x": torch.from_numpy(x)}, path)),
    "csv": lambda folder: written(write_csv(folder), folder / "flowers.csv"),
    "packed csv": packed_csv,
    "parquet": lambda folder: written(write_parquet(folder), folder / "flowers.parquet"),
    "series": lambda folder: written(write_series(folder), folder / "waves.csv"),
    "text": lambda folder: written(write_text(folder), folder / "word.txt"),
    "png": lambda folder: written(write_images(folder), folder / "pets" / "cat" / "0.png"),
    "jpeg": jpeg,
    "tgz": lambda folder: written(write_california(folder), folder / "california" / "cal_housing.tgz"),
}


@pytest.fixture(scope="module")
def config() -> Config:
    return check(compose_run([], None).plain)


def read_damaged(config: Config, kind: Kind, damage: Callable[[bytes], bytes]) -> None:
    """Damage the file and load the data as a run would: it can be learnt from, or is refused."""
    kind.file.write_bytes(damage(kind.content))
    source = replace(kind.source)  # type: ignore[type-var]  # every source is a dataclass; nothing of it is kept
    try:
        data = load(replace(config, source=source), torch.device("cpu"), ALONE)
    except DataError as error:
        assert_lines([str(error)])
        return
    for split in (data.train, data.test):
        assert len(split.samples) == len(split.targets) > 0
        assert split.inputs.isfinite().all()
        if split.task == "classification":
            assert 0 <= split.targets.min() <= split.targets.max() < source.out_shape[-1]
        else:
            assert split.targets.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, config: Config, kind: str, injected: Injected
) -> None:
    case = partial(read_damaged, config, KINDS[kind](tmp_path))
    count = cases(FEW, case, damages())
    assert count >= FEW
    injected(count)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_damaged_it_is_read_or_refused(
    tmp_path: Path, config: Config, kind: str, injected: Injected
) -> None:
    case = partial(read_damaged, config, KINDS[kind](tmp_path))
    count = cases(MANY, case, damages())
    assert count >= MANY
    injected(count)
