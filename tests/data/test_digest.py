"""Equal data has an equal digest, other data another."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from runner.data import digest
from runner.data.arrays import Arrays
from runner.data.dataset import Dataset, Split
from runner.data.digest import checksums_of, digest_of
from runner.data.digits import Digits
from runner.data.text import Text
from runner.data.validation import with_validation
from tests.data.test_sources import write_arrays


def test_the_same_data_has_the_same_digest() -> None:
    assert digest_of(Digits().load()) == digest_of(Digits().load())


def test_a_sample_a_label_and_the_order_count() -> None:
    data = Digits().load()
    train = data.train
    sample, label = train.samples.clone(), train.targets.clone()
    sample[700, 0, 4, 4] += 0.5
    label[-1] += 1
    others = [
        replace(train, samples=sample),
        replace(train, targets=label),
        train.first(1000),
        Split(train.samples.flip(0), train.targets.flip(0)),
    ]
    digests = {digest_of(replace(data, train=other)) for other in [train, *others]}
    assert len(digests) == 5


def test_parts_cannot_be_exchanged() -> None:
    data = Digits().load()
    assert digest_of(data) != digest_of(Dataset(data.test, data.train))


@pytest.mark.parametrize("place", [0, 517, 1023, 1200, -1])
@pytest.mark.parametrize("file", ["inputs.npy", "test_targets.npy"])
def test_a_value_anywhere_in_a_file_counts(tmp_path: Path, file: str, place: int) -> None:
    for name in ("inputs", "test_inputs"):
        np.save(tmp_path / f"{name}.npy", np.zeros((1500, 1024), dtype=np.float32))  # in several blocks
    for name in ("targets", "test_targets"):
        np.save(tmp_path / f"{name}.npy", np.zeros(1500, dtype=np.int64))
    names = {name: Path(f"{name}.npy") for name in ("inputs", "targets", "test_inputs", "test_targets")}
    arrays = Arrays(root=tmp_path, **names, classes=3)
    before = digest_of(arrays.load())
    assert before == digest_of(arrays.load())
    values = np.load(tmp_path / file)
    values[place] = 1
    np.save(tmp_path / file, values)
    assert before != digest_of(arrays.load())


def test_an_array_in_a_file_is_read_once_for_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = with_validation(write_arrays(tmp_path).load(), 0.5, 0)
    assert data.val is not None
    assert data.val.rows is not None, "the same file, other rows of it"
    read = list[int]()

    def noted(values: Tensor, part: Split) -> Iterator[bytes]:
        read.append(len(values))
        return checksums_of(values, part)

    monkeypatch.setattr(digest, "checksums_of", noted)
    digest_of(data)
    assert read == [12, 12, 8, 8], "inputs and targets of the training files, then of the test files"


@pytest.mark.parametrize("stride", [1, 3, 10])
def test_windows_count_each_value_that_is_in_one(tmp_path: Path, stride: int) -> None:
    digests = set()
    for place in (0, 101, 195):
        letters = ["a"] * 200
        letters[place] = "b"
        (tmp_path / "a.txt").write_text("".join(letters) + "ab" * 20)
        digests.add(digest_of(Text(root=tmp_path, file=Path("a.txt"), length=10, stride=stride).load()))
    assert len(digests) == 3
