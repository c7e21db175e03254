"""Images in folders, whatever their sizes and modes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from runner.data.image_folder import IMAGES
from runner.errors import DataError
from tests.data.files import write_images


def test_images_of_any_size_and_mode_fit(tmp_path: Path) -> None:
    source = write_images(tmp_path)
    data = source.load()
    assert source.in_shape == (3, 8, 8)
    assert (data.train.samples.dtype, len(data.train), len(data.test)) == (torch.uint8, 8, 2)
    assert json.loads(data.preprocessing[IMAGES])["classes"] == ["cat", "dog"]
    grey = replace(source, colour="grey").load().train
    assert grey.inputs.shape == (8, 1, 8, 8)
    dog = grey.targets == 1
    assert grey.inputs[dog].mean() > grey.inputs[~dog].mean()


def test_a_second_folder_is_tested_on(tmp_path: Path) -> None:
    source = write_images(tmp_path)
    data = replace(source, test_folder=Path("pets")).load()
    assert len(data.train) == len(data.test) == 10


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    source = write_images(tmp_path)
    with pytest.raises(DataError, match="is no folder with a folder a class"):
        _ = replace(source, folder=Path("pest")).out_shape
    (tmp_path / "pets" / "cat" / "0.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cat/0\.png: cannot be read as an image"):
        source.load()
    (tmp_path / "other" / "cow").mkdir(parents=True)
    with pytest.raises(DataError, match="unknown class 'cow'"):
        replace(write_images(tmp_path / "b"), test_folder=tmp_path / "other").load()


def test_a_folder_without_a_class_is_read_with_the_classes_that_a_model_keeps(tmp_path: Path) -> None:
    source = write_images(tmp_path)
    kept = source.load().preprocessing
    shutil.rmtree(tmp_path / "pets" / "cat")
    other = source.as_learnt(kept)
    assert other.out_shape == (2,)
    assert set(other.load().train.targets.tolist()) == {1}
