"""A trained model predicts for the rows of a file."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pandas import DataFrame
from PIL import Image

import runner
from runner.commands.arguments import parse
from runner.commands.predict import KNOWN, predict
from runner.data.digits import Digits
from runner.errors import ConfigError, DataError
from runner.experiment import Result
from runner.trained.run import find
from runner.trained.served import Served


def predicted(result: Result, source: str, target: str) -> Path:
    words = [f"run={result.run_id}", f"input={source}", f"output={target}"]
    predict(parse([*words, f"tracking.uri={result.tracking_uri}"], KNOWN))
    return Path(target)


@pytest.fixture
def digits(in_tmp_path: Path) -> Result:
    return runner.run(["train.epochs=2", "optim.lr=0.5", "tracking.pictures=false"])


def test_a_classifier_gives_classes_and_their_probabilities(digits: Result) -> None:
    test = Digits().load().test
    np.save("images.npy", test.inputs.numpy())
    records = np.load(predicted(digits, "images.npy", "said.npy"))
    assert records.shape == (360,)
    np.testing.assert_allclose(records["probabilities"].sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(records["probabilities"].argmax(1), records["class"])
    accuracy = (records["class"] == test.targets.numpy()).mean()
    assert accuracy == pytest.approx(digits.epochs[-1].metrics["test/accuracy"])
    with predicted(digits, "images.npy", "said.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["class", *(f"probability_{number}" for number in range(10))]
    assert [int(row["class"]) for row in rows] == records["class"].tolist()
    np.testing.assert_array_equal(
        np.array([row["probability_3"] for row in rows], np.float32), records["probabilities"][:, 3]
    )


def test_pixels_and_rows_of_numbers_are_taken_too(digits: Result) -> None:
    pixels = (Digits().load().test.inputs * 255).round().numpy().astype(np.uint8)
    np.save("pixels.npy", pixels[:, 0])
    np.savetxt("rows.csv", pixels.reshape(360, 64) / 255, delimiter=",", header="a" + ",b" * 63, comments="")
    of_pixels = np.load(predicted(digits, "pixels.npy", "of_pixels.npy"))
    of_rows = np.load(predicted(digits, "rows.csv", "of_rows.npy"))
    np.testing.assert_allclose(of_pixels["probabilities"], of_rows["probabilities"], atol=1e-5)


@pytest.fixture
def pixel_model(in_tmp_path: Path) -> Result:
    """A model of 8-bit images of four classes, and the images in ``test_inputs.npy``."""
    draw = np.random.default_rng(0)
    labels = np.arange(80) % 4
    for part in ("", "test_"):
        images = draw.integers(0, 120, (80, 4, 4)).astype(np.uint8)
        images[np.arange(80), labels, labels] = 255
        np.save(f"{part}inputs.npy", images)
        np.save(f"{part}targets.npy", labels)
    names = [f"data.{name}={name}.npy" for name in ("inputs", "targets", "test_inputs", "test_targets")]
    return runner.run([
        "data=arrays", "data.root=.", "data.classes=4", *names,
        "optim.lr=0.5", "train.batch_size=8", "train.epochs=5", "tracking.pictures=false",
    ])  # fmt: skip


def test_pixels_are_predicted_as_they_were_learnt_in_any_type(pixel_model: Result) -> None:
    pixels = np.load("test_inputs.npy")
    outputs = pixel_model.model.forward(pixel_model.store, torch.from_numpy(pixels[:, None] / 255).float())
    expected = torch.softmax(outputs, 1).detach().numpy()
    reference = np.load(predicted(pixel_model, "test_inputs.npy", "reference.npy"))
    np.testing.assert_allclose(reference["probabilities"], expected, atol=1e-5)
    accuracy = (reference["class"] == np.load("test_targets.npy")).mean()
    assert accuracy == pixel_model.epochs[-1].metrics["test/accuracy"] > 0.5
    for dtype in ("int64", "float32", ">f8", ">u2"):
        np.save("other.npy", pixels[::-1].astype(dtype))
        others = np.load(predicted(pixel_model, "other.npy", "other_said.npy"))
        np.testing.assert_array_equal(others[::-1], reference)
    np.savetxt("rows.csv", pixels.reshape(80, 16), "%d", delimiter=",")
    np.testing.assert_array_equal(np.load(predicted(pixel_model, "rows.csv", "rows.npy")), reference)
    np.save("beyond.npy", pixels.astype(int) * 2)
    with pytest.raises(DataError, match=r"beyond\.npy: has values from 0 to 510, .* pixels, 0 to 255"):
        predicted(pixel_model, "beyond.npy", "said.npy")


def test_images_are_predicted_as_they_were_learnt(in_tmp_path: Path) -> None:
    """What is learnt from is a grey PNG of 16 bits, a palette, one with opacity, one lying on its side."""
    for place, name in enumerate(("dark", "light")):
        Path("images", name).mkdir(parents=True)
        for number in range(10):
            level = 40 + 150 * place + number
            image = Image.fromarray(np.full((6, 4), level, np.uint8))
            if number % 4 == 1:
                image = Image.fromarray(np.full((6, 4), level * 257, np.uint16))
            elif number % 4 == 2:
                image.putalpha(200)
            image.save(Path("images", name, f"{number}.png"))
    result = runner.run([
        "data=image_folder", "data.root=.", "data.folder=images", "data.size=4", "data.colour=grey",
        "data.background=black", "data.test_folder=images", "optim.lr=0.5", "train.epochs=10",
        "train.batch_size=4", "tracking.pictures=false",
    ])  # fmt: skip
    Path("images", ".hidden.png").write_bytes(b"no image")
    with predicted(result, "images", "said.csv").open(newline="") as file:
        said = list(csv.DictReader(file))
    names = sorted(f"{name}/{number}.png" for name in ("dark", "light") for number in range(10))
    assert [row["file"] for row in said] == names
    right = [row["class"] == row["file"].partition("/")[0] for row in said]
    assert np.mean(right) == result.epochs[-1].metrics["test/accuracy"]
    alone = predicted(result, "images/light/1.png", "one.csv").read_text().splitlines()[1].split(",")
    assert alone == ["1.png", *list(said[names.index("light/1.png")].values())[1:]]
    whole = np.load(predicted(result, "images", "said.npy"))
    assert [f"{each:.6g}" for each in whole["probabilities"][:, 0]] == [
        f"{float(row['probability_dark']):.6g}" for row in said
    ]
    np.save("rows.npy", np.stack([np.full((1, 4, 4), 40 + number) for number in (1, 151)]))
    assert np.load(predicted(result, "rows.npy", "rows_said.npy"))["class"].tolist() == [0, 1]
    Path("images/light/1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"images/light/1\.png: cannot be read as an image"):
        predicted(result, "images", "said.csv")


def test_images_for_a_model_of_something_else_are_refused(digits: Result) -> None:
    Image.new("L", (8, 8)).save("a.png")
    with pytest.raises(ConfigError, match=r"'a\.png' is an image, but the model was not trained on image"):
        predicted(digits, "a.png", "said.csv")


def test_a_regression_gives_values(in_tmp_path: Path) -> None:
    result = runner.run(["data=linear", "data.targets=2", "loss=mse", "model=linear", "optim.lr=0.1"])
    Path("rows.csv").write_text("1,0,0,0,0,0,0,0\n0,1,0,0,0,0,0,0\n")
    values = np.load(predicted(result, "rows.csv", "said.npy"))
    parameters = result.store.named_parameters()
    expected = parameters["l1.W"][:2] + parameters["l1.b"]
    np.testing.assert_allclose(values, expected.numpy(), atol=1e-6)
    lines = predicted(result, "rows.csv", "said.csv").read_text().splitlines()
    assert lines[0] == "value_0,value_1"
    np.testing.assert_array_equal(np.array(lines[1].split(","), np.float32), values[0])


def test_a_table_is_read_as_the_one_that_was_learnt_from(in_tmp_path: Path) -> None:
    rows = [
        f"{number % 7},{'warm' if number % 2 else 'cold'},{'yes' if number % 2 else 'no'}"
        for number in range(80)
    ]
    Path("past.csv").write_text("\n".join(["count,feel,bought", *rows]) + "\n")
    result = runner.run([
        "data=csv", "data.root=.", "data.file=past.csv", "data.label=bought",
        "optim.lr=0.5", "train.epochs=20",
    ])  # fmt: skip
    Path("new.csv").write_text("feel,count\nwarm,3\ncold,\n")
    with predicted(result, "new.csv", "said.csv").open(newline="") as file:
        said = list(csv.DictReader(file))
    assert list(said[0]) == ["class", "probability_no", "probability_yes"]
    assert [row["class"] for row in said] == ["yes", "no"]
    Path("new.csv").write_text("count\n3\n")
    with pytest.raises(DataError, match="the table: has no column 'feel'"):
        predicted(result, "new.csv", "said.csv")


def test_rows_that_are_none_for_the_model_are_told(digits: Result) -> None:
    Path("words.csv").write_text("a,b\n1,2\n3,x\n")
    np.save("flat.npy", np.zeros((3, 64), np.float32))
    for name, told in {
        "words.csv": r"^words\.csv, line 2: has 2 columns, the model takes 64$",
        "flat.npy": r"^flat\.npy: its samples are \[64\], the model takes \[1, 8, 8\]$",
        "nowhere.csv": r"^nowhere\.csv: cannot be read: No such file",
        "nowhere.npy": r"^nowhere\.npy: cannot be read: No such file",
    }.items():
        with pytest.raises(DataError, match=told):
            predicted(digits, name, "said.csv")
    assert not Path("said.csv").exists()


def test_other_kinds_of_files_are_refused_before_anything_is_read(in_tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        predict(parse(["run=nope", "input=a.txt", "output=nowhere/b"], KNOWN))
    assert error.value.problems == [
        "input: 'a.txt' should end with .csv or .tsv or .parquet or .npy, "
        "or be an image or a folder of images",
        "output: 'nowhere/b' should end with .csv or .npy",
        f"output: there is no folder '{in_tmp_path}/nowhere'",
    ]


@pytest.mark.slow
def test_the_command_line_says_where_predictions_are(digits: Result) -> None:
    np.save("images.npy", Digits().load().test.inputs.numpy()[:5])
    words = [f"run={digits.run_id}", "input=images.npy", "output=said.csv"]
    done = subprocess.run(
        [sys.executable, "-m", "runner.predict", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5 predictions are in said.csv\n", "")


def test_a_model_reads_a_file_as_the_one_it_was_trained_on(in_tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    codes = draw.choice(["01", "02", "1A"], 80)
    sizes = draw.normal(1000, 300, 80)
    lines = [
        f'{code};"{size:_.1f}";{"?" if place % 9 == 0 else place}'.replace(".", ",").replace("_", ".")
        + f";{'007' if size > 1000 else '010'}"
        for place, (code, size) in enumerate(zip(codes, sizes, strict=True))
    ]
    Path("past.csv").write_text("\r\n".join(["code;größe;n;y", *lines]), encoding="utf-16")
    result = runner.run([
        "data=csv", "data.root=.", "data.file=past.csv", "data.label=y", "data.separator=';'",
        "data.decimal=','", "data.thousands=.", "data.encoding=utf-16", "train.epochs=2", "optim.lr=0.5",
        "tracking.pictures=false",
    ])  # fmt: skip
    with predicted(result, "past.csv", "whole.csv").open(newline="") as file:
        whole = list(csv.DictReader(file))
    assert list(whole[0]) == ["class", "probability_007", "probability_010"]
    picked = [place for place in draw.permutation(80) if codes[place] != "1A"][:20]
    Path("some.csv").write_text(
        "\n".join(["code;größe;n;y", *(lines[place] for place in picked)]), encoding="utf-16"
    )
    with predicted(result, "some.csv", "some_said.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [whole[place] for place in picked]
    rows = {
        "n": [None if place % 9 == 0 else place for place in picked],
        "größe": [float(f"{sizes[place]:.1f}") for place in picked],
        "code": [int(codes[place]) for place in picked],
    }
    DataFrame(rows).to_parquet("some.parquet")
    with predicted(result, "some.parquet", "some_said.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [whole[place] for place in picked]
    model = find(result.tracking_uri, result.run_id).load_model(torch.device("cpu"), False)
    said = Served(model).predict(DataFrame(rows))
    assert isinstance(said, DataFrame)
    assert said["class"].tolist() == [whole[place]["class"] for place in picked]
    assert said["probability_007"].tolist() == [
        np.float32(whole[place]["probability_007"]) for place in picked
    ]
