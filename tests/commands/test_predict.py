"""A trained model predicts for the rows of a file."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.commands.arguments import parse
from runner.commands.predict import KNOWN, predict
from runner.data.digits import Digits
from runner.errors import ConfigError, DataError
from runner.experiment import Result


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
        "input: 'a.txt' should end with .csv or .npy",
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
