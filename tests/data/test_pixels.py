"""The same values are the same inputs, whatever their type: training says what they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as generated

from runner.data.array_file import tensor_of
from runner.data.arrays import Arrays
from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.data.pixels import INPUTS, PIXEL, Inputs, are_pixels, scaled
from runner.data.rows import read_array
from runner.errors import DataError
from tests.data.test_sources import arrays_in

NUMBERS = [
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float16", "float32", "float64",
    ">i2", ">u2", ">i4", ">i8", ">f2", ">f4", ">f8",
]  # fmt: skip
UNREADABLE = ["uint64", "complex64", "datetime64[s]", "S3", "U3"]

IDX = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}

Array = npt.NDArray[np.generic]


def learnt_from(values: Array) -> Inputs:
    samples = tensor_of(values)
    return Inputs.of(samples, are_pixels=samples.dtype == torch.uint8)


def inputs_of(values: Array, learnt: Inputs | None) -> torch.Tensor:
    samples = tensor_of(values)
    return scaled(samples, are_pixels=are_pixels("x", samples, learnt))


def write_npy(folder: Path, values: Array) -> Path:
    np.save(folder / "x.npy", values)
    return folder / "x.npy"


def write_npz(folder: Path, values: Array) -> Path:
    np.savez(folder / "x.npz", x=values)
    return folder / "x.npz"


def write_packed(folder: Path, values: Array) -> Path:
    np.savez_compressed(folder / "x.npz", x=values)
    return folder / "x.npz"


def write_pt(folder: Path, values: Array) -> Path:
    torch.save(torch.from_numpy(values.astype(values.dtype.newbyteorder("="))), folder / "x.pt")
    return folder / "x.pt"


@pytest.mark.parametrize("write", [write_npy, write_npz, write_packed, write_pt])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_values_of_every_type_and_byte_order_are_read(
    tmp_path: Path, dtype: str, write: Callable[[Path, Array], Path]
) -> None:
    values = (np.arange(12).reshape(3, 4) % 2 if dtype == "bool" else np.arange(12).reshape(3, 4) * 9).astype(
        dtype
    )
    samples = read_array(write(tmp_path, values), (4,))
    np.testing.assert_array_equal(samples.to(torch.float64).numpy(), values.astype(np.float64))


@pytest.mark.parametrize("dtype", UNREADABLE)
def test_other_types_are_refused_by_name(tmp_path: Path, dtype: str) -> None:
    path = write_npy(tmp_path, np.zeros((3, 4), "int64").astype(dtype))
    with pytest.raises(DataError, match=r"x\.npy: .*its values are of type .*; known: bool, float16"):
        read_array(path, (4,))


@pytest.mark.parametrize("dtype", IDX)
def test_idx_files_of_every_type_are_read(tmp_path: Path, dtype: str) -> None:
    values = (np.arange(12).reshape(3, 4) * 9).astype(dtype)
    head = bytes([0, 0, IDX[dtype], 2]) + (3).to_bytes(4, "big") + (4).to_bytes(4, "big")
    (tmp_path / "x-idx2").write_bytes(head + values.tobytes())
    samples = read_array(tmp_path / "x-idx2", (4,))
    np.testing.assert_array_equal(samples.to(torch.float64).numpy(), values.astype(np.float64))


def test_idx_files_of_an_unknown_type_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x-idx2").write_bytes(bytes([0, 0, 0x0A, 1, 0, 0, 0, 1, 0]))
    with pytest.raises(DataError, match="begins like neither"):
        read_array(tmp_path / "x-idx2", (4,))


pixel_images = generated.arrays(np.uint8, (3, 4), elements=st.integers(0, 255))


@given(pixels=pixel_images, dtype=st.sampled_from(["int16", "int64", ">i4", "uint16", "float32", "float64"]))
@settings(max_examples=60, deadline=None)
def test_pixels_are_pixels_of_any_type_and_in_any_part(pixels: npt.NDArray[np.uint8], dtype: str) -> None:
    learnt = learnt_from(np.array([[0, 1, 2, 255]], np.uint8))
    whole = inputs_of(pixels, learnt)
    torch.testing.assert_close(whole, torch.from_numpy((pixels / 255).astype(np.float32)), rtol=1e-6, atol=0)
    assert torch.equal(inputs_of(pixels.astype(dtype), learnt), whole)
    for row in ([0], [2, 1]):
        assert torch.equal(inputs_of(pixels[row].astype(dtype), learnt), whole[row])


@given(
    values=generated.arrays(np.int64, (3, 4), elements=st.integers(-300, 300)),
    learnt_as=st.sampled_from([each for each in NUMBERS if each not in ("uint8", "bool")]),
    given_as=st.sampled_from(NUMBERS),
)
@settings(max_examples=100, deadline=None)
def test_numbers_are_the_same_inputs_in_every_type_that_holds_them_or_refused(
    values: npt.NDArray[np.int64], learnt_as: str, given_as: str
) -> None:
    as_learnt, as_given = values.astype(learnt_as), values.astype(given_as)
    if not np.array_equal(as_learnt, values) or not np.array_equal(as_given, values):
        return
    learnt = learnt_from(as_learnt)
    expected = torch.from_numpy(values.astype(np.float32))
    assert torch.equal(inputs_of(as_learnt, learnt), expected)
    if learnt.values == "shares" and given_as == "uint8" and values.max() == 1:
        with pytest.raises(DataError, match="8-bit values are 0 and 1"):
            inputs_of(as_given, learnt)
    else:
        assert torch.equal(inputs_of(as_given, learnt), expected)


def test_pixels_divided_already_are_taken_as_they_are_with_a_line(caplog: pytest.LogCaptureFixture) -> None:
    learnt = learnt_from(np.array([[0, 255]], np.uint8))
    assert inputs_of(np.array([[0.25, 1.0]]), learnt).tolist() == [[0.25, 1.0]]
    assert caplog.messages == [
        "x: its values, fractions between 0 and 1, are taken for pixels divided by 255"
    ]


@pytest.mark.parametrize("values", [[[-1, 7]], [[0, 256]], [[0.5, 300.0]], [[-0.5, 0.5]]])
def test_values_that_are_no_pixels_are_refused(values: list[list[float]]) -> None:
    with pytest.raises(DataError, match=r"^x: has values from .* the model was trained on pixels, 0 to 255$"):
        inputs_of(np.array(values), Inputs("pixels", (2,)))


def test_pixels_for_a_model_of_numbers_are_shares_only_if_it_has_learnt_from_shares(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pixels = np.array([[0, 51, 255]], np.uint8)
    shares, large = (learnt_from(np.array(each)) for each in ([[0.5, 1.0]], [[0.5, 255.0]]))
    assert inputs_of(pixels, shares).tolist() == pytest.approx(np.array([[0, 0.2, 1]]))
    assert inputs_of(pixels, large).tolist() == [[0, 51, 255]]
    assert not caplog.messages
    inputs_of(pixels.astype(np.int64), shares)
    assert caplog.messages == ["x: has values up to 255, the model was trained on 0 to 1"]


def test_models_of_an_earlier_version_take_what_they_took() -> None:
    assert Inputs.kept({}) is None
    assert inputs_of(np.array([[255]], np.uint8), None).tolist() == [[1]]
    assert inputs_of(np.array([[255.0]]), None).tolist() == [[255]]


def test_damaged_descriptions_are_named() -> None:
    for text in ("", "[]", "{}", '{"values": "pixels", "shape": 3}'):
        with pytest.raises(DataError, match=r"inputs\.json: is not the description of inputs"):
            Inputs.kept({INPUTS: text})


def write_images(folder: Path, dtype: str, test_dtype: str) -> Arrays:
    draw = np.random.default_rng(0)
    for part, kind in (("", dtype), ("test_", test_dtype)):
        np.save(folder / f"{part}inputs.npy", draw.integers(0, 256, (8, 3, 5)).astype(kind))
        np.save(folder / f"{part}targets.npy", np.arange(8) % 4)
    return arrays_in(folder, classes=4)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float32", ">f8"])
def test_what_is_learnt_from_says_what_the_test_is(tmp_path: Path, dtype: str) -> None:
    data = write_images(tmp_path, "uint8", dtype).load()
    pixels = np.load(tmp_path / "test_inputs.npy").astype(np.float64)
    expected = torch.from_numpy(pixels / 255).float()[:, None]
    torch.testing.assert_close(data.test.inputs, expected, rtol=1e-6, atol=0)
    ((inputs, _),) = Batches(data.test, 8, None)
    assert torch.equal(inputs, data.test.inputs)


def test_numbers_are_learnt_from_so_the_test_is_of_numbers(tmp_path: Path) -> None:
    data = write_images(tmp_path, "float32", "uint8").load()
    expected = np.load(tmp_path / "test_inputs.npy").astype(np.float32)
    np.testing.assert_array_equal(data.test.inputs.numpy(), expected)


def test_other_files_are_read_as_the_ones_that_were_learnt_from(tmp_path: Path) -> None:
    source = write_images(tmp_path, "uint8", "uint8")
    kept = {INPUTS: Inputs("pixels", source.in_shape).to_json()}
    expected = source.load()
    (tmp_path / "other").mkdir()
    other = write_images(tmp_path / "other", "float32", "int16").as_learnt(kept)
    assert other.in_shape == (1, 3, 5)
    found: Dataset = other.load()
    for one, two in ((found.train, expected.train), (found.test, expected.test)):
        assert torch.equal(one.inputs, two.inputs)


def test_batches_of_any_type_are_scaled_in_float32() -> None:
    pixels = torch.arange(256).view(16, 16)
    expected = pixels.to(torch.uint8) * PIXEL
    for dtype in (torch.uint8, torch.float16, torch.int16, torch.int64, torch.float32, torch.float64):
        split = Split(pixels.to(dtype), torch.zeros(16, dtype=torch.int64), pixels=True)
        ((inputs, _),) = Batches(split, 16, None)
        assert torch.equal(inputs, expected)
        assert torch.equal(split.inputs, expected)
