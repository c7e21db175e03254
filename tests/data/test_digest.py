"""Equal data has an equal digest, other data another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.data.dataset import Dataset, Split
from runner.data.digest import digest_of
from runner.data.digits import Digits
from runner.data.text import Text
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


def test_arrays_in_files_have_a_digest_of_their_ends(tmp_path: Path) -> None:
    arrays = write_arrays(tmp_path)
    before = digest_of(arrays.load())
    assert before == digest_of(arrays.load())
    inputs = np.load(tmp_path / "inputs.npy")
    inputs[-1] += 1
    np.save(tmp_path / "inputs.npy", inputs)
    assert before != digest_of(arrays.load())


@pytest.mark.parametrize("stride", [1, 3, 10])
def test_windows_count_each_value_that_is_in_one(tmp_path: Path, stride: int) -> None:
    digests = set()
    for place in (0, 101, 195):
        letters = ["a"] * 200
        letters[place] = "b"
        (tmp_path / "a.txt").write_text("".join(letters) + "ab" * 20)
        digests.add(digest_of(Text(root=tmp_path, file=Path("a.txt"), length=10, stride=stride).load()))
    assert len(digests) == 3
