"""Small data files as their users or publishers write them."""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io
from PIL import Image
from torchvision import datasets

from runner.data.california import MEMBER, California
from runner.data.cifar import CIFAR10, CIFAR100
from runner.data.image_folder import ImageFolder
from runner.data.mnist import EMNIST, KMNIST, FashionMNIST
from runner.data.series import Series
from runner.data.svhn import SVHN
from runner.data.table_file import CSV, Parquet
from runner.data.text import Text

FLOWERS = """length,colour,code,species
1.0,red,7,rose
2.0,,7,rose
,red,8,rose
4.0,blue,8,rose
5.0,red,7,tulip
6.0,blue,7,tulip
7.0,,8,tulip
8.0,red,8,tulip
"""
"""Numbers, categories and classes; of the first two some are missing."""


def write_csv(folder: Path) -> CSV:
    """Eight flowers of two species, two of them to test on."""
    (folder / "flowers.csv").write_text(FLOWERS)
    return CSV(root=folder, file=Path("flowers.csv"), label="species", test=0.25)


def write_parquet(folder: Path) -> Parquet:
    """The same flowers."""
    pd.read_csv(io.StringIO(FLOWERS)).to_parquet(folder / "flowers.parquet")
    return Parquet(root=folder, file=Path("flowers.parquet"), label="species", test=0.25)


def write_california(folder: Path) -> California:
    """Ten districts as the archive has them."""
    rows = np.random.default_rng(0).uniform(1, 100, (10, 9))
    text = io.StringIO()
    np.savetxt(text, rows, delimiter=",")
    content = text.getvalue().encode()
    (folder / "california").mkdir()
    with tarfile.open(folder / "california" / "cal_housing.tgz", "w:gz") as archive:
        member = tarfile.TarInfo(MEMBER)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return California(root=folder)


def write_text(folder: Path) -> Text:
    """Fifty times the same word."""
    (folder / "word.txt").write_text("naïve\n" * 50)
    return Text(root=folder, file=Path("word.txt"), length=10)


def write_series(folder: Path) -> Series:
    """Two sine waves, of 50 steps; one value is missing."""
    steps = np.arange(50) / 5
    table = pd.DataFrame({"slow": np.sin(steps), "fast": 10 + np.sin(3 * steps)})
    table.loc[3, "fast"] = None
    table.to_csv(folder / "waves.csv", index=False)
    return Series(root=folder, file=Path("waves.csv"), window=4, horizon=2)


def write_images(folder: Path) -> ImageFolder:
    """Five images of each of two classes, of several sizes and modes."""
    for place, name in enumerate(["cat", "dog"]):
        (folder / "pets" / name).mkdir(parents=True)
        for number in range(5):
            mode = ("RGB", "L", "RGBA", "P", "1")[number]
            image = Image.new("RGB", (6 + number, 9), (200 * place, 100, 50)).convert(mode)
            image.save(folder / "pets" / name / f"{number}.png")
    return ImageFolder(root=folder, folder=Path("pets"), size=8)


def idx(values: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """An array as an idx file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def write_idx(folder: Path, parts: Sequence[str], labels: Sequence[int]) -> None:
    """An image a label, whose upper left pixel is 255 and the one to its right 100."""
    folder.mkdir(parents=True)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, :2] = (255, 100)
    for part in parts:
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.array(labels, np.uint8)))


def write_fashion_mnist(folder: Path) -> FashionMNIST:
    """An image a class and part."""
    write_idx(folder / "FashionMNIST" / "raw", ("train", "t10k"), range(10))
    return FashionMNIST(root=folder)


def write_kmnist(folder: Path) -> KMNIST:
    """An image a class and part."""
    write_idx(folder / "KMNIST" / "raw", ("train", "t10k"), range(10))
    return KMNIST(root=folder)


def write_emnist(folder: Path) -> EMNIST:
    """A letter a class and part; the files count them from 1."""
    parts = ("emnist-letters-train", "emnist-letters-test")
    write_idx(folder / "EMNIST" / "raw", parts, range(1, 27))
    return EMNIST(root=folder, split="letters")


def write_cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CIFAR10:
    """Twenty photographs a file, of the format of Krizhevsky's, whose MD5 torchvision then expects."""
    files = {f"data_batch_{number}": "labels" for number in range(1, 6)} | {"test_batch": "labels"}
    write_pickles(folder / "cifar-10-batches-py", datasets.CIFAR10, files, "batches.meta", monkeypatch)
    return CIFAR10(root=folder)


def write_cifar100(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CIFAR100:
    """A photograph a class and part."""
    files = {"train": "fine_labels", "test": "fine_labels"}
    write_pickles(folder / "cifar-100-python", datasets.CIFAR100, files, "meta", monkeypatch)
    return CIFAR100(root=folder)


def write_pickles(
    folder: Path, kind: type, files: dict[str, str], meta: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pixel of each photograph is (1, 2, 3)."""
    folder.mkdir()
    sums = {}
    classes = 10 if "labels" in files.values() else 100
    images = np.zeros((2 * classes, 3, 1024), np.uint8)
    images[:, :, 0] = (1, 2, 3)
    contents: dict[str, object] = {
        name: {"data": images.reshape(-1, 3072), key: [*range(classes)] * 2} for name, key in files.items()
    }
    contents[meta] = {"label_names": ["a"] * classes, "fine_label_names": ["a"] * classes}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    tested = [name for name in files if name.startswith("test")]
    monkeypatch.setattr(kind, "train_list", [[name, sums[name]] for name in files if name not in tested])
    monkeypatch.setattr(kind, "test_list", [[name, sums[name]] for name in tested])
    key = "label_names" if classes == 10 else "fine_label_names"
    monkeypatch.setattr(kind, "meta", {"filename": meta, "key": key, "md5": sums[meta]})


def write_svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SVHN:
    """A photograph a class and part; the files' 10 is a 0."""
    expected = {}
    for part in ("train", "test"):
        name = f"{part}_32x32.mat"
        images = np.zeros((32, 32, 3, 10), np.uint8)
        images[0, 0] = np.array([[1], [2], [3]])
        scipy.io.savemat(folder / name, {"X": images, "y": np.arange(1, 11, dtype=np.uint8)[:, None]})
        expected[part] = ["http://127.0.0.1:9/", name, hashlib.md5((folder / name).read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", expected)
    return SVHN(root=folder)
