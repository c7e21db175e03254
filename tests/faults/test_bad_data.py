"""Data that nothing can be learnt from: refused before training, with file, reason and what is expected."""

import io
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config.check import Config, check
from runner.config.compose import compose_run
from runner.data.arrays import Arrays
from runner.data.dataset import Dataset, Source, Split
from runner.data.image_folder import ImageFolder
from runner.data.table_file import CSV
from runner.data.text import Text
from runner.errors import DataError, RunnerError
from runner.prepare import load
from runner.process.parallel import ALONE
from tests.conftest import CommandLine
from tests.data.files import write_csv, write_fashion_mnist, write_images
from tests.data.test_sources import arrays_in
from tests.faults.strange import within

PAGE = b"\n<!DOCTYPE html><html><body>404 Not Found</body></html>"


@pytest.fixture(scope="module")
def config() -> Config:
    return check(compose_run([], None).plain)


def refusal(config: Config, source: Source) -> str:
    """What is said when the data is loaded as for a run."""
    with within(10), pytest.raises(DataError) as error:
        load(replace(config, source=source), torch.device("cpu"), ALONE)
    return str(error.value)


def write_floats(folder: Path) -> Arrays:
    """Twelve samples of four classes, to train and to test on."""
    for part in ("", "test_"):
        np.save(folder / f"{part}inputs.npy", np.arange(36, dtype=np.float32).reshape(12, 3))
        np.save(folder / f"{part}targets.npy", np.arange(12) % 4)
    return arrays_in(folder, classes=4)


STRANGE_FILES: list[tuple[str, Callable[[Path], object], str]] = [
    ("a web page", lambda path: path.write_bytes(PAGE), "looks like a web page"),
    ("empty", lambda path: path.write_bytes(b""), "is empty"),
    ("a folder", lambda path: path.mkdir(), "is a folder, a file is expected"),
    ("a pipe", lambda path: os.mkfifo(path), "is a pipe or a device, a file is expected"),
    ("a device", lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device, a file is expected"),
    ("a link to itself", lambda path: path.symlink_to(path.name), "cannot be read: Too many levels"),
    ("missing", lambda path: None, "cannot be read: No such file"),
]


@pytest.mark.parametrize(("kind", "make", "told"), STRANGE_FILES, ids=[case[0] for case in STRANGE_FILES])
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.csv", "a.txt"])
def test_what_is_no_file_is_told_at_once(
    tmp_path: Path, config: Config, name: str, kind: str, make: Callable[[Path], object], told: str
) -> None:
    write_floats(tmp_path)
    make(tmp_path / name)
    source: Source = replace(arrays_in(tmp_path, classes=4), inputs=Path(name))
    if name == "a.csv":
        source = CSV(root=tmp_path, file=Path(name), label="y")
    if name == "a.txt":
        source = Text(root=tmp_path, file=Path(name))
        told = "too few for samples" if kind == "a web page" else told  # which may be learnt from
    said = refusal(config, source)
    assert said.startswith(f"{tmp_path / name}: ")
    assert told in said


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("name", ["inputs.npy", "test_inputs.npy"])
def test_inputs_that_are_not_finite_are_refused(
    tmp_path: Path, config: Config, name: str, value: float
) -> None:
    source = write_floats(tmp_path)
    values = np.zeros((12, 3))
    values[5, 1] = value
    np.save(tmp_path / name, values)
    assert refusal(config, source) == (
        f"{tmp_path / name}: row 5 is not finite: NaN, or too large for float32"
    )


def test_targets_that_are_not_finite_are_refused(tmp_path: Path, config: Config) -> None:
    write_floats(tmp_path)
    np.save(tmp_path / "targets.npy", np.array([0.0] * 11 + [np.nan]))
    assert "targets.npy: row 11 is not finite" in refusal(config, arrays_in(tmp_path, classes=None))


def test_an_array_of_python_objects_is_refused_unread(tmp_path: Path, config: Config) -> None:
    source = write_floats(tmp_path)
    np.save(tmp_path / "inputs.npy", np.array([Trap(tmp_path / "sprung")] * 12), allow_pickle=True)
    assert "its values are of type object" in refusal(config, source)
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_pt_file_is_refused_unread(tmp_path: Path, config: Config, legacy: bool) -> None:
    source = replace(write_floats(tmp_path), inputs=Path("a.pt"))
    trap = {"x": Trap(tmp_path / "sprung")}
    torch.save(trap, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
    assert "with tensors alone" in refusal(config, source)
    (tmp_path / "a.pt").write_bytes(pickle.dumps(trap))
    assert "with tensors alone" in refusal(config, source)
    assert not (tmp_path / "sprung").exists()


def head(shape: tuple[int, ...]) -> bytes:
    """The head of an npy file."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        head((2**40, 3)),
        head((2**62, 2**62)),
        bytes([0, 0, 8, 3]) + b"\x80\0\0\0" * 3,
        b"\x93NUMPY\2\0\xff\xff\xff\x7f",
    ],
)
def test_a_head_that_tells_of_too_much_takes_no_memory(
    tmp_path: Path, config: Config, content: bytes
) -> None:
    source = write_floats(tmp_path)
    (tmp_path / "inputs.npy").write_bytes(content)
    assert str(tmp_path / "inputs.npy") in refusal(config, source)


def packed(path: Path, content: bytes, zeros: int = 0) -> None:
    """An npz file with one packed array in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        file.write(content)
        for _ in range(zeros):
            file.write(bytes(2**20))


def test_an_archive_that_unfolds_is_held_to_its_head(tmp_path: Path, config: Config) -> None:
    source = replace(write_floats(tmp_path), inputs=Path("a.npz"))
    packed(tmp_path / "a.npz", head((3,)), zeros=64)
    assert "has 67,108,992 bytes, its head tells of 131" in refusal(config, source)
    packed(tmp_path / "a.npz", head((2**50,)))
    assert "its head tells of 1,125,899,906,842,752" in refusal(config, source)


def test_a_tensor_that_is_larger_than_its_file_is_refused(tmp_path: Path, config: Config) -> None:
    source = replace(write_floats(tmp_path), inputs=Path("a.pt"))
    torch.save({"x": torch.zeros(1).expand(2**40, 3)}, tmp_path / "a.pt")
    assert "torch.expand" in refusal(config, source)


def test_a_locked_archive_is_refused(tmp_path: Path, config: Config) -> None:
    source = replace(write_floats(tmp_path), inputs=Path("a.npz"))
    packed(tmp_path / "a.npz", head((3,)) + b"abc")
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert "is encrypted" in refusal(config, source)


def test_more_labels_than_images_are_refused(tmp_path: Path, config: Config) -> None:
    source = write_fashion_mnist(tmp_path)
    labels = tmp_path / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte"
    for content in (b"\0\0\x08\1\0\0\0\x0b" + bytes(11), b"\0\0\x08\1\0\0\0\x0a" + bytes([200] * 10)):
        labels.write_bytes(content)
        assert "labels up to" in refusal(config, source)


def test_what_only_calls_itself_an_image_starts_nothing(tmp_path: Path, config: Config) -> None:
    source = write_images(tmp_path)
    file = tmp_path / "pets" / "cat" / "0.png"
    for content in (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", PAGE, file.read_bytes()[:40]):
        file.write_bytes(content)
        assert str(file) in refusal(config, source)
    assert isinstance(source, ImageFolder)


def test_an_image_that_unfolds_is_refused(tmp_path: Path, config: Config) -> None:
    source = write_images(tmp_path)
    file = tmp_path / "pets" / "cat" / "0.png"
    content = bytearray(file.read_bytes())
    content[16:24] = (2**20).to_bytes(4, "big") * 2
    file.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert str(file) in refusal(config, source)


@pytest.mark.parametrize("content", ["", "length,species\n", "length,species\n1,rose\n"])
def test_a_table_without_rows_to_learn_from_is_refused(tmp_path: Path, config: Config, content: str) -> None:
    source = write_csv(tmp_path)
    (tmp_path / "flowers.csv").write_text(content)
    assert refusal(config, source)


class Unsound:
    """A source whose training part is not what it has told."""

    task, in_shape, out_shape = "classification", (2,), (3,)

    def __init__(self, samples: torch.Tensor, targets: torch.Tensor) -> None:
        self.train = Split(samples, targets)

    def load(self) -> Dataset:
        """As it was made; the test part is in order."""
        return Dataset(self.train, Split(torch.zeros(4, 2), torch.arange(4) % 3))


@pytest.mark.parametrize(
    ("samples", "targets", "told"),
    [
        (torch.zeros(0, 2), torch.arange(0), "nothing is there"),
        (torch.zeros(4, 2), torch.arange(3), "there are 4 inputs, but 3 targets"),
        (torch.zeros(4, 3), torch.arange(4) % 3, r"the inputs are [3], not [2]"),
        (torch.tensor([[0, 0], [0, torch.nan]]), torch.arange(2), "the input of sample 1 is not finite"),
        (torch.zeros(4, 2), torch.arange(4), "the classes are 0 to 3, not 0 to 2"),
        (torch.zeros(4, 2), torch.arange(4) - 1, "the classes are -1 to 2, not 0 to 2"),
    ],
)
def test_a_source_is_held_to_what_it_told(
    config: Config, samples: torch.Tensor, targets: torch.Tensor, told: str
) -> None:
    source: Source = Unsound(samples, targets)  # type: ignore[assignment]  # its task is a str to mypy
    assert refusal(config, source).startswith(f"data=digits: of its train part {told}")


def test_data_larger_than_memory_is_told_in_a_line() -> None:
    config = check(compose_run(["data=blobs", "data.samples=100000000000000"], None).plain)
    with pytest.raises(RunnerError, match=r"^data: does not fit into memory: .*$"):
        load(config, torch.device("cpu"), ALONE)


def test_fewer_rows_than_a_batch_are_one_batch(tmp_path: Path, config: Config) -> None:
    data = load(replace(config, source=write_floats(tmp_path)), torch.device("cpu"), ALONE)
    assert len(data.train) == 12 < config.train.batch_size


@pytest.mark.slow
def test_the_command_line_tells_of_bad_data_in_a_line(command_line: CommandLine, tmp_path: Path) -> None:
    write_floats(tmp_path)
    names = [f"data.{name}={name}.npy" for name in ("inputs", "targets", "test_inputs", "test_targets")]
    np.save(tmp_path / "inputs.npy", np.full((12, 3), np.nan))
    done = command_line("data=arrays", "data.root=.", "data.classes=4", *names)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path}/inputs.npy: row 0 is not finite: NaN, or too large for float32\n"
