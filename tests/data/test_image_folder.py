"""Images in folders, whatever their sizes and modes."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from runner.config.check import check
from runner.config.compose import compose_run
from runner.data.image_folder import IMAGES, ImageFolder
from runner.errors import ConfigError, DataError
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


def test_hidden_files_and_folders_are_no_classes_and_no_samples(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = write_images(tmp_path)
    expected = source.load()
    pets = tmp_path / "pets"
    png = (pets / "cat" / "0.png").read_bytes()
    for hidden in (
        ".ipynb_checkpoints/0.png", "cat/.ipynb_checkpoints/0.png", "cat/._0.png", "dog/.hidden.png",
        "__MACOSX/cat/0.png", "@eaDir/0.png", "cat/Thumbs.db", "cat/.DS_Store", "dog/desktop.ini",
    ):  # fmt: skip
        (pets / hidden).parent.mkdir(parents=True, exist_ok=True)
        (pets / hidden).write_bytes(png if hidden.endswith("png") else b"no image")
    data = replace(source).load()  # which has not looked yet
    assert source.out_shape == (2,)
    assert torch.equal(data.train.samples, expected.train.samples)
    assert torch.equal(data.test.targets, expected.test.targets)
    assert not caplog.messages


def test_what_is_no_class_and_no_image_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = write_images(tmp_path)
    pets = tmp_path / "pets"
    (pets / "ape").mkdir()
    (pets / "notes").mkdir()
    (pets / "notes" / "a.txt").write_text("none")
    (pets / "0.png").write_bytes((pets / "cat" / "0.png").read_bytes())
    for name in ("a.heic", "b.HEIC", "c.txt"):
        (pets / "cat" / name).write_bytes(b"other")
    data = source.load()
    assert json.loads(data.preprocessing[IMAGES])["classes"] == ["cat", "dog"]
    assert len(data.train) + len(data.test) == 10
    assert caplog.messages == [
        f"{pets}: there are no images in 'ape', 'notes': no class",
        f"{pets}: 1 images lie in none of its folders and are left out",
        f"{pets}: files that are not read as images are left out: 2 .heic, 1 .txt",
    ]


def test_images_are_read_as_those_that_a_model_has_learnt_from(tmp_path: Path) -> None:
    for place, name in enumerate(("a", "b")):
        (tmp_path / "clear" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((5, 5, 4), 60 * place + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "clear" / name / f"{number}.png")
    source = ImageFolder(root=tmp_path, folder=Path("clear"), size=4, colour="grey", background="black")
    data = source.load()
    other = ImageFolder(root=tmp_path, folder=Path("clear")).as_learnt(data.preprocessing)
    assert other.in_shape == (1, 4, 4)
    assert torch.equal(other.load().test.samples, data.test.samples)
    old = {IMAGES: json.dumps({"classes": ["a", "b"], "size": 4, "colour": "grey"})}  # of an earlier version
    assert source.as_learnt(old).load().train.samples.min() > 100  # on white


def test_a_background_that_is_no_colour_is_refused() -> None:
    settings = ["data=image_folder", "data.root=.", "data.folder=pets"]
    for colour, told in (("whit", "Did you mean 'white'"), ("#12", "the names of CSS")):
        with pytest.raises(ConfigError, match=rf"data\.background: '{colour}' is no colour\..*{told}"):
            check(compose_run([*settings, f"data.background='{colour}'"], None).plain)
