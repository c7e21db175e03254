"""Rows to predict from are read from tables of numbers and from arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch

from runner.data.pixels import are_pixels, scaled
from runner.data.rows import read_array, read_csv
from runner.errors import DataError


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", ["1,2\n3,4.5\n", "a,b\n1,2\n3,4.5\n", "1,2\r\n\r\n3,4.5"])
def test_a_header_and_blank_lines_are_no_rows(tmp_path: Path, text: str) -> None:
    rows = read_csv(written(tmp_path / "t.csv", text), (2,))
    assert rows.tolist() == [[1, 2], [3, 4.5]]


def test_rows_take_the_shape_of_a_sample(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path / "t.csv", "1,2,3,4\n"), (1, 2, 2)).tolist() == [[[[1, 2], [3, 4]]]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,2\n3,x\n", "line 2: could not convert string to float: 'x'"),
        ("a,b\nc,d\n", "line 2: could not convert string to float: 'c'"),
        ("1,2\n3\n", "line 2: has 1 columns, the model takes 2"),
        ("1,2\n3,\n", "line 2: could not convert string to float: ''"),
        ("a,b\n", "t.csv: has no rows"),
        ("", "t.csv: is empty"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_csv(written(tmp_path / "t.csv", text), (2,))


def test_images_get_a_channel_and_pixels_become_shares(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((2, 3, 4), 51, np.uint8))
    samples = read_array(tmp_path / "x.npy", (1, 3, 4))
    assert samples.dtype == torch.uint8
    inputs = scaled(samples, are_pixels=are_pixels("x", samples, None))
    assert torch.allclose(inputs, torch.full((2, 1, 3, 4), 51 / 255))


def test_other_numbers_are_inputs_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4]]))
    samples = read_array(tmp_path / "x.npy", (2,))
    inputs = scaled(samples, are_pixels=are_pixels("x", samples, None))
    assert inputs.dtype == torch.float32
    assert inputs.tolist() == [[1, 2], [3, 4]]
