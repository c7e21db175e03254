"""Arrays in files: mapped, held against each other, and never more of them in memory than allowed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.data import batches
from runner.data.array_container import open_array
from runner.data.array_file import ArrayFile
from runner.data.arrays import Arrays
from runner.data.batches import Batches
from runner.data.mnist import MNIST
from runner.errors import DataError
from tests.conftest import CommandLine, runs_in
from tests.data.files import idx
from tests.data.test_sources import arrays_in, write_arrays


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_an_npy_file_is_what_numpy_wrote(tmp_path: Path, dtype: str) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    file = ArrayFile.open(tmp_path / "a.npy")
    assert np.array_equal(file.read().numpy(), values)
    assert np.array_equal(file.map().values.numpy(), values)


def test_an_idx_file_is_what_its_format_says(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a-idx3-ubyte").write_bytes(idx(values))
    file = ArrayFile.open(tmp_path / "a-idx3-ubyte")
    assert np.array_equal(file.read().numpy(), values)
    assert np.array_equal(file.map().values.numpy(), values)


def damaged(content: bytes, name: str) -> bytes:
    return {
        "cut": content[:-1],
        "longer": content + b"\0",
        "head alone": content[:20],
        "a page of the web": b"<!DOCTYPE html><html></html>",
        "empty": b"",
    }[name]


@pytest.mark.parametrize("damage", ["cut", "longer", "head alone", "a page of the web", "empty"])
@pytest.mark.parametrize("kind", ["npy", "idx"])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str, damage: str) -> None:
    path = tmp_path / "a"
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    if kind == "npy":
        with path.open("wb") as file:
            np.save(file, values)
    else:
        path.write_bytes(idx(values))
    path.write_bytes(damaged(path.read_bytes(), damage))
    with pytest.raises(DataError, match=str(path)):
        ArrayFile.open(path)


@pytest.mark.parametrize(
    "head",
    [
        "{'descr': (",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (True,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 0), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
        "{1: 2}",
    ],
)
def test_a_head_that_makes_no_sense_is_told_in_a_line(tmp_path: Path, head: str) -> None:
    text = head.encode().ljust(117) + b"\n"
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(DataError, match=str(path)):
        ArrayFile.open(path)


def test_a_file_larger_than_memory_can_be_mapped(tmp_path: Path) -> None:
    """It is sparse: 1 TiB of zeros that take no room on the disk either."""
    path = tmp_path / "large.npy"
    with path.open("wb") as file:
        shape = (2**30, 1024)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + 2**40)
    mapped = ArrayFile.open(path).map()
    assert mapped.values.shape == shape
    assert mapped.values[-1].sum() == 0


@pytest.mark.parametrize("dtype", ["int8", "int16", "int64", "float16", "float64"])
def test_inputs_of_any_type_are_float32_in_a_batch(tmp_path: Path, dtype: str) -> None:
    write_arrays(tmp_path)
    for part, count in (("", 12), ("test_", 8)):
        np.save(tmp_path / f"{part}inputs.npy", (np.arange(count * 3) - 5).reshape(count, 3).astype(dtype))
    ((inputs, targets),) = Batches(arrays_in(tmp_path, classes=4).load().train, 12, None)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert inputs[0].tolist() == [-5, -4, -3]  # not scaled as pixels are


def test_columns_first_and_strange_types_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.asfortranarray(np.ones((2, 3))))
    with pytest.raises(DataError, match="Fortran order"):
        ArrayFile.open(tmp_path / "f.npy")
    np.save(tmp_path / "c.npy", np.ones(2, dtype=complex))
    with pytest.raises(DataError, match="complex128"):
        ArrayFile.open(tmp_path / "c.npy")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: np.save(f / "targets.npy", np.arange(11) % 4), "11 targets for 12 inputs"),
        (lambda f: np.save(f / "targets.npy", np.arange(12)), "its classes are 0 to 11"),
        (lambda f: np.save(f / "targets.npy", np.arange(12) - 1), "its classes are -1 to 10"),
        (lambda f: np.save(f / "targets.npy", np.ones(12)), "are integers"),
        (lambda f: np.save(f / "test_inputs.npy", np.zeros((8, 3, 3), np.uint8)), r"\[1, 3, 3\]"),
        (lambda f: (f / "test_targets.npy").unlink(), "test_targets.npy"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    arrays = write_arrays(tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=message):
        arrays.load()


def test_a_regression_has_as_many_outputs_as_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", rng.normal(size=(6, 3)))
        np.save(tmp_path / f"{part}targets.npy", rng.normal(size=6))
    arrays = arrays_in(tmp_path, classes=None)
    assert (arrays.task, arrays.in_shape, arrays.out_shape) == ("regression", (3,), (1,))
    ((inputs, targets),) = Batches(arrays.load().train, 6, None)
    assert (inputs.dtype, targets.dtype, targets.shape) == (torch.float32, torch.float32, (6, 1))


def test_mapped_batches_are_those_of_memory(mnist_root: Path) -> None:
    raw = Path("MNIST") / "raw"
    arrays = Arrays(
        root=mnist_root,
        inputs=raw / "t10k-images-idx3-ubyte",
        targets=raw / "t10k-labels-idx1-ubyte",
        test_inputs=raw / "t10k-images-idx3-ubyte",
        test_targets=raw / "t10k-labels-idx1-ubyte",
        classes=10,
    )
    assert arrays.in_shape == (1, 28, 28)
    mapped = Batches(arrays.load().train, 3000, torch.Generator().manual_seed(0))
    memory = Batches(MNIST(root=mnist_root).load().test, 3000, torch.Generator().manual_seed(0))
    for (inputs, targets), (expected, labels) in zip(mapped, memory, strict=True):
        assert torch.equal(inputs, expected)
        assert torch.equal(targets, labels)


def resident_file_memory() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssFile:")[1].split()[0]) * 1024


@pytest.mark.slow
def test_no_more_of_a_file_is_in_memory_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """64 MiB are gone through in order and at random; 8 MiB of them and one batch's pages may be there."""
    monkeypatch.setattr(batches, "RESIDENT", 8 * 1024**2)
    count = 64 * 1024
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", np.zeros((count, 1024), np.uint8))
        np.save(tmp_path / f"{part}targets.npy", np.zeros(count, np.uint8))
    train = arrays_in(tmp_path, classes=1).load().train
    train.let_go()
    before = resident_file_memory()
    for generator in (None, torch.Generator()):
        grown = [resident_file_memory() - before for _ in Batches(train, 8, generator)]
        assert len(grown) == count // 8
        assert max(grown) < (8 + 8 * 2) * 1024**2


@pytest.mark.slow
def test_the_command_line_trains_from_files(command_line: CommandLine, in_tmp_path: Path) -> None:
    write_arrays(in_tmp_path)
    names = [f"data.{name}={name}.npy" for name in ("inputs", "targets", "test_inputs", "test_targets")]
    done = command_line("data=arrays", "data.root=.", "data.classes=4", *names, "train.epochs=2")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(in_tmp_path)
    assert run.info.status == "FINISHED"
    missing = command_line("data=arrays", "data.classes=4", *names)
    assert missing.returncode == 2
    assert "inputs.npy" in missing.stderr
    assert "Traceback" not in missing.stderr


@pytest.fixture(params=["npz", "compressed", "pt"])
def container(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """All four arrays of ``write_arrays`` in one file."""
    write_arrays(tmp_path)
    names = ("inputs", "targets", "test_inputs", "test_targets")
    arrays = {name: np.load(tmp_path / f"{name}.npy") for name in names}
    if request.param == "pt":
        torch.save({name: torch.from_numpy(value) for name, value in arrays.items()}, tmp_path / "all.pt")
        return tmp_path / "all.pt"
    save = np.savez if request.param == "npz" else np.savez_compressed
    save(tmp_path / "all.npz", **arrays)
    return tmp_path / "all.npz"


def test_arrays_in_one_file_are_those_of_four(container: Path) -> None:
    root, name = container.parent, container.name
    four = arrays_in(root, classes=4).load()
    one = Arrays(
        root=root,
        inputs=Path(name, "inputs"),
        targets=Path(name, "targets"),
        test_inputs=Path(name, "test_inputs"),
        test_targets=Path(name, "test_targets"),
        classes=4,
    ).load()
    for split, expected in ((one.train, four.train), (one.test, four.test)):
        ((inputs, targets),) = Batches(split, 12, None)
        ((their_inputs, their_targets),) = Batches(expected, 12, None)
        assert torch.equal(inputs, their_inputs)
        assert torch.equal(targets, their_targets)


def test_an_array_in_an_npz_file_stays_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(6))
    mapped = open_array(tmp_path / "a.npz").map()
    assert mapped.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert mapped.pages is not None


def test_the_array_that_is_not_in_a_file_is_named(container: Path) -> None:
    with pytest.raises(DataError, match=r"holds inputs, targets, test_inputs, test_targets\. Say which"):
        open_array(container)
    with pytest.raises(DataError, match=r"has no array 'input'\. Did you mean 'inputs'"):
        open_array(container / "input")
    container.write_bytes(container.read_bytes()[:200])
    with pytest.raises(DataError, match=f"{container}: cannot be read as"):
        open_array(container / "inputs")


def test_a_pickle_in_a_pt_file_is_refused(tmp_path: Path) -> None:
    torch.save({"x": Path("somewhere")}, tmp_path / "a.pt")
    with pytest.raises(DataError, match="with tensors alone"):
        open_array(tmp_path / "a.pt")
    torch.save(torch.zeros(3, dtype=torch.bfloat16), tmp_path / "b.pt")
    with pytest.raises(DataError, match="its values are of type bfloat16"):
        open_array(tmp_path / "b.pt")
