"""The user's own tables: what is inferred, what can be told, and what is said of mistakes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
from pandas import DataFrame

from runner.data.table import TABLE, Table
from runner.data.table_file import CSV
from runner.errors import DataError
from tests.conftest import CommandLine, runs_in
from tests.data.files import write_csv, write_parquet


def table_in(folder: Path, text: str, label: str = "y", **arguments: object) -> CSV:
    (folder / "a.csv").write_text(text)
    return CSV(root=folder, file=Path("a.csv"), label=label, **arguments)  # type: ignore[arg-type]  # any of them


def test_what_a_column_is_follows_from_its_values(tmp_path: Path) -> None:
    table = Table.from_json(write_csv(tmp_path).load().preprocessing[TABLE])
    assert [type(column).__name__ for column in table.columns] == ["Numeric", "Numeric", "Categorical"]
    assert [column.name for column in table.columns] == ["length", "code", "colour"]
    assert (table.label, table.classes) == ("species", ("rose", "tulip"))


def test_what_a_column_is_can_be_told(tmp_path: Path) -> None:
    write_csv(tmp_path)
    told = CSV(
        root=tmp_path, file=Path("flowers.csv"), label="species", categorical=("code",), ignore=("colour",)
    )
    assert told.in_shape == (3,), "a length, two codes"


def test_nothing_is_learnt_from_the_rows_to_test_on(tmp_path: Path) -> None:
    text = "a,y\n" + "".join(f"{row},{row % 2}\n" for row in range(20))
    data = table_in(tmp_path, text).load()
    torch.testing.assert_close(data.train.samples.mean(), torch.tensor(0.0), atol=1e-6, rtol=0)
    torch.testing.assert_close(data.train.samples.std(correction=0), torch.tensor(1.0))
    assert abs(data.test.samples.mean()) > 0.01
    assert data.test.targets.bincount().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("values", "task", "outputs"),
    [
        (["yes", "no"], "classification", 2),
        (["True", "False"], "classification", 2),
        ([3, 5, 7], "classification", 3),
        ([0.5, 1], "regression", 1),
        (range(21), "regression", 1),
    ],
)
def test_the_label_says_what_the_task_is(
    tmp_path: Path, values: list[object], task: str, outputs: int
) -> None:
    source = table_in(tmp_path, "a,y\n" + "".join(f"1,{value}\n2,{value}\n" for value in values), test=0.5)
    assert (source.task, source.out_shape) == (task, (outputs,))


def test_the_task_can_be_told(tmp_path: Path) -> None:
    source = table_in(tmp_path, "a,y\n1,0\n2,1\n3,1\n4,0\n", kind="regression", test=0.5)
    assert (source.task, source.load().train.targets.shape) == ("regression", (2, 1))


def test_a_second_table_is_tested_on(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("y,a\n1,3\n")
    data = table_in(tmp_path, "a,y\n1,0\n3,1\n", test_file=Path("b.csv")).load()
    assert (data.train.samples.tolist(), data.test.samples.tolist()) == ([[-1], [1]], [[1]])
    assert data.test.targets.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,y\n", "has no rows"),
        ("a,y\n1,2,3\n", "cannot be read as a table"),
        ("a,Y\n1,2\n", "has no column 'y'"),
        ("a,y\n1,\n" + "2,yes\n3,no\n" * 5, "1 rows have no value"),
        ("a,y\n" + ",1\n,0\n" * 5, "column 'a': has no values"),
        ("a,y\n" + "".join(f"name{n},{n % 2}\n" for n in range(200)), "160 different values.*data.ignore"),
        ("y\n" + "1\n2\n" * 5, "beside column 'y' there is none"),
        ("a,y\n1,2\n", "sets 0 of them apart"),
    ],
)
def test_a_table_that_cannot_be_learnt_from_is_told_in_a_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        table_in(tmp_path, text).load()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ignore": ("colours",)}, r"has no column 'colours'\. Did you mean 'colour'"),
        ({"numeric": ("colour",)}, "column 'colour': is not of numbers.*red"),
        ({"numeric": ("species",)}, "column 'species': is named 2 times"),
        ({"kind": "regression"}, "column 'species': is not of numbers"),
    ],
)
def test_what_is_said_of_a_column_that_is_not_so_is_refused(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        replace(write_csv(tmp_path), **arguments).load()


@pytest.mark.parametrize("name", ["missing.csv", "flowers.csv"])
def test_a_file_that_is_no_parquet_is_told(tmp_path: Path, name: str) -> None:
    write_csv(tmp_path)
    parquet = write_parquet(tmp_path)
    source = type(parquet)(root=tmp_path, file=Path(name), label="species")
    with pytest.raises(DataError, match=f"{tmp_path / name}: cannot be read"):
        source.load()


def write_shop(folder: Path) -> None:
    """Whether a customer buys depends on a number and on a category; of both some are missing."""
    rng = np.random.default_rng(0)
    age, town = rng.normal(40, 10, 300), rng.choice(["Rome", "Oslo", "Lima"], 300)
    buys = age + 20 * (town == "Oslo") > 45
    rows = [
        f"{'' if place % 17 == 0 else f'{a:.1f}'},{'' if place % 23 == 0 else t},{'yes' if b else 'no'}"
        for place, (a, t, b) in enumerate(zip(age, town, buys, strict=True))
    ]
    (folder / "shop.csv").write_text("\n".join(["age,town,buys", *rows]))


@pytest.mark.slow
def test_the_command_line_learns_a_table_with_gaps(
    command_line: CommandLine, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(in_tmp_path)
    arguments = ["data=csv", "data.root=.", "data.file=shop.csv"]
    done = command_line(*arguments, "data.label=buys", "train.batch_size=32", "optim=momentum")
    assert done.returncode == 0, done.stderr
    (run,) = runs_in(in_tmp_path)
    assert run.data.metrics["test/accuracy"] > 0.85
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{in_tmp_path}/outputs/mlflow.db")
    folder = Path(mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/model"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    (kept,) = folder.rglob(TABLE)
    table = Table.from_json(kept.read_text())
    assert json.loads(kept.read_text())["classes"] == ["no", "yes"]
    rows = {"age": [80, 20], "town": ["Oslo", None]}
    said = mlflow.pyfunc.load_model(str(folder)).predict(DataFrame(rows))
    assert said["class"].tolist() == ["yes", "no"]
    inputs = table.transform(rows)
    assert Table.from_json(kept.read_text()).restore(inputs) == rows
    wrong = command_line(*arguments, "data.label=bus")
    assert wrong.returncode == 2
    assert "has no column 'bus'. Did you mean 'buys'" in wrong.stderr
    assert "Traceback" not in wrong.stderr
