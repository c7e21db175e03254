"""A text in pieces, each with what comes next."""

import json
from pathlib import Path

import pytest
import torch

from runner.data.text import VOCABULARY, Text
from runner.errors import DataError
from tests.data.files import write_text


def text_in(folder: Path, content: str, **arguments: object) -> Text:
    (folder / "a.txt").write_bytes(content.encode())
    return Text(root=folder, file=Path("a.txt"), **arguments)  # type: ignore[arg-type]  # any of them


def test_the_target_of_each_place_is_the_next_character(tmp_path: Path) -> None:
    data = text_in(tmp_path, "abcabdabcabdabcabd", length=4, test=0.4).load()
    vocabulary = json.loads(data.preprocessing[VOCABULARY])
    assert vocabulary == ["a", "b", "c", "d"]

    def spelt(indices: torch.Tensor) -> list[str]:
        return ["".join(vocabulary[index] for index in row) for row in indices.tolist()]

    assert spelt(data.train.samples) == ["abca", "bdab"]
    assert spelt(data.train.targets) == ["bcab", "dabc"]
    assert spelt(data.test.samples) == ["dabc"]


def test_samples_may_overlap_and_take_no_memory_for_it(tmp_path: Path) -> None:
    data = text_in(tmp_path, "abcd" * 100, length=30, stride=1).load()
    assert len(data.train) == 360 - 30
    assert data.train.samples.untyped_storage().nbytes() == 8 * 400


def test_bytes_are_those_of_the_file(tmp_path: Path) -> None:
    write_text(tmp_path)
    text = Text(root=tmp_path, file=Path("word.txt"), length=10, unit="byte")
    assert text.out_shape == (10, len(set("naïve\n".encode())))
    assert json.loads(text.load().preprocessing[VOCABULARY]) == sorted(set("naïve\n".encode()))


def test_a_text_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="9 of its characters are too few for samples of 64"):
        text_in(tmp_path, "a" * 10).load()
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match=r"b\.txt: cannot be read as text"):
        _ = Text(root=tmp_path, file=Path("b.txt")).out_shape
    with pytest.raises(DataError, match=r"c\.txt: cannot be read: No such file"):
        _ = Text(root=tmp_path, file=Path("c.txt")).out_shape


def test_another_text_is_read_by_the_vocabulary_that_a_model_keeps(tmp_path: Path) -> None:
    kept = text_in(tmp_path, "abcd" * 30, length=4).load().preprocessing
    other = text_in(tmp_path, "dbdb" * 30, length=4).as_learnt(kept)
    assert other.out_shape == (4, 4)
    assert other.load().train.samples[0].tolist() == [3, 1, 3, 1]
    with pytest.raises(DataError, match=r"\['x', 'z'\] are in no text that the model has learnt"):
        text_in(tmp_path, "axbz" * 30, length=4).as_learnt(kept).load()
    with pytest.raises(DataError, match=r"^data\.unit: vocabulary\.json, .* is not one of bytes"):
        text_in(tmp_path, "abcd" * 30, length=4, unit="byte").as_learnt(kept)
