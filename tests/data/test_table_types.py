"""What the runner finds in a user's table, what it says of that, and what the config can say instead."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from runner.data.csv_file import read_csv
from runner.data.table import TABLE, Categorical, Numeric, Table
from runner.data.table_file import CSV, Parquet
from runner.errors import DataError


def source(folder: Path, rows: dict[str, Any], label: str = "y", **arguments: Any) -> CSV:
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)
    return CSV(root=folder, file=Path("a.csv"), label=label, **arguments)


def fitted(table: CSV | Parquet) -> Table:
    return Table.from_json(table.load().preprocessing[TABLE])


NUMBERS = [f"{each / 7:.3f}" for each in range(200)]
LABELS = ["yes", "no"] * 100


def test_a_few_words_among_numbers_are_missing_values_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = [*NUMBERS]
    cells[3] = cells[50] = "?"
    cells[7], cells[9], cells[11] = "NA", "-", ""
    table = fitted(source(tmp_path, {"a": cells, "y": LABELS}))
    assert [type(column) for column in table.columns] == [Numeric]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == "column 'a': 5 of 200 values are missing: 2 '?', 1 empty, 1 'NA', 1 '-'"


def test_other_words_among_numbers_make_categories_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = {"a": ["1", "2"] * 99 + ["n/k", "3"], "y": LABELS}
    assert [type(column) for column in fitted(source(tmp_path, rows)).columns] == [Categorical]
    (line,) = [text for text in caplog.messages if "is of categories" in text]
    assert line.startswith("column 'a': is of categories, since 'n/k' (1 value) of 200 are no numbers")
    (column,) = fitted(source(tmp_path, rows, missing=("n/k",))).columns
    assert isinstance(column, Numeric)
    with pytest.raises(DataError, match=r"column 'a': is not of numbers: 'n/k' \(1 value\)"):
        source(tmp_path, rows, numeric=("a",)).load()
    many = {"a": [*NUMBERS[1:], "n/k"], "y": LABELS}
    with pytest.raises(
        DataError, match=r"160 different values: 'n/k' \(1 value\) of 200 are no numbers; data.mi"
    ):
        source(tmp_path, many, test_seed=5).load()


def test_a_value_to_predict_that_is_no_number_makes_no_classes_of_all_others(tmp_path: Path) -> None:
    rows = {"a": NUMBERS, "y": [*NUMBERS[1:], "n/k"]}
    with pytest.raises(DataError, match=r"column 'y': 'n/k' \(1 value\) of 200 are no numbers"):
        source(tmp_path, rows).load()
    assert source(tmp_path, rows | {"y": [*NUMBERS[1:], "?"]}).task == "regression"


def test_a_class_that_is_called_na_can_be_kept(tmp_path: Path) -> None:
    rows = {"a": NUMBERS, "y": ["NA", "EU"] * 100}
    with pytest.raises(DataError, match=r"80 rows have no value; 'NA' counts as missing, data.missing=\[\]"):
        source(tmp_path, rows).load()
    kept = source(tmp_path, rows, missing=())
    assert fitted(kept).classes == ("EU", "NA")
    data = kept.load()
    assert (data.train.targets.bincount() + data.test.targets.bincount()).tolist() == [100, 100]


def test_plus_and_minus_are_classes(tmp_path: Path) -> None:
    assert fitted(source(tmp_path, {"a": NUMBERS, "y": ["+", "-"] * 100})).classes == ("+", "-")


def test_classes_are_text_as_it_is_written_in_the_order_of_numbers(tmp_path: Path) -> None:
    for written in (["007", "010", "9"], ["1.10", "1.2", "10.0"], ["-1", "0", "1"]):
        rows = {"a": range(60), "y": written * 20}
        kept = source(tmp_path, rows, kind="classification")
        assert fitted(kept).classes == tuple(sorted(written, key=float))
    assert fitted(source(tmp_path, {"a": range(60), "y": ["b", "10", "9"] * 20})).classes == ("10", "9", "b")


def test_types_hold_in_a_second_table_whatever_is_in_it(tmp_path: Path) -> None:
    rows = {"code": ["01", "02", "1A", "02"], "y": ["1", "2", "1", "2"]}
    (tmp_path / "b.csv").write_text("y,code\n2.0,02\n1.0,01\n")
    data = source(tmp_path, rows, test_file=Path("b.csv")).load()
    assert data.test.samples.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert data.test.targets.tolist() == [1, 0]
    (tmp_path / "b.csv").write_text("y,code\n2,2\n1,1\n")
    data = source(tmp_path, rows, test_file=Path("b.csv")).load()
    assert data.test.samples.tolist() == [[0, 0, 0], [0, 0, 0]], "2 is not 02"


def test_a_frame_of_memory_means_the_same(tmp_path: Path) -> None:
    table = fitted(
        source(tmp_path, {"code": ["01", "02", "1A"] * 20, "flag": ["true", "false"] * 30, "y": LABELS[:60]})
    )
    expected = [[1, 0, 0, 0, 1], [0, 1, 0, 1, 0]]
    for code in (["01", "02"], [1, 2], [1.0, 2.0]):
        assert table.transform({"code": code, "flag": [True, False]}).tolist() == expected


@pytest.mark.parametrize("name", ["Unnamed: 0", "", "id", "Index"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_first_column_that_numbers_the_rows_is_left_out_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, first: int
) -> None:
    rows = {name: range(first, first + 200), "a": NUMBERS, "y": LABELS}
    assert [column.name for column in fitted(source(tmp_path, rows)).columns] == ["a"]
    named = name or "Unnamed: 0"
    assert f"column '{named}': numbers the rows and is left out" in caplog.text
    kept = source(tmp_path, rows, numeric=(named,))
    assert [column.name for column in fitted(kept).columns] == [named, "a"]


def test_other_first_columns_are_inputs(tmp_path: Path) -> None:
    for name, values in (("a", [*range(200)]), ("id", [5, *range(199)]), ("id", [*range(199), 500])):
        rows = {name: values, "b": NUMBERS, "y": LABELS}
        assert [column.name for column in fitted(source(tmp_path, rows)).columns] == [name, "b"]


def test_a_nullable_boolean_has_a_category_for_what_is_missing(tmp_path: Path) -> None:
    truth = pd.array([True, None, False, None] * 10, dtype="boolean")
    rows = pd.DataFrame({"flag": truth, "a": np.arange(40.0) / 7, "y": ["b", "c"] * 20})
    rows.to_parquet(tmp_path / "a.parquet")
    table = fitted(Parquet(root=tmp_path, file=Path("a.parquet"), label="y"))
    assert table.columns[1] == Categorical("flag", ("False", "True", None))
    assert table.transform(rows[:3])[:, 1:].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_lists_in_parquet_are_refused_by_name_unless_ignored(tmp_path: Path) -> None:
    rows = pd.DataFrame({"odd": [[1, 2]] * 40, "a": np.arange(40.0) / 7, "y": ["b", "c"] * 20})
    rows.to_parquet(tmp_path / "a.parquet")
    wrong: list[dict[str, Any]] = [{}, {"categorical": ("odd",)}, {"label": "odd"}]
    for arguments in wrong:
        parquet = Parquet(root=tmp_path, file=Path("a.parquet"), **{"label": "y", **arguments})
        with pytest.raises(DataError, match="column 'odd': holds ndarray, which are no inputs"):
            parquet.load()
    ignored = Parquet(root=tmp_path, file=Path("a.parquet"), label="y", ignore=("odd",))
    assert ignored.in_shape == (1,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decimal": ","}, "data.decimal: ',' is data.separator, too"),
        ({"thousands": "."}, r"data.thousands: '\.' is data.decimal, too"),
        ({"encoding": "utf8x"}, "data.encoding: unknown 'utf8x'"),
        ({"encoding": "ascii"}, "is not written in ascii.*data.encoding says what it is"),
    ],
)
def test_a_format_that_cannot_be_is_refused_by_its_key(
    tmp_path: Path, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        source(tmp_path, {"ä": NUMBERS, "y": LABELS}, **arguments).load()


def test_a_table_of_an_earlier_version_reads_as_it_did(tmp_path: Path) -> None:
    old = {
        "columns": [
            {"name": "a", "mean": 1.0, "std": 2.0},
            {"name": "code", "categories": ["1", "2", "?", None]},
        ],
        "label": "y",
        "classes": ["7", "True"],
    }
    table = Table.from_json(json.dumps(old))
    (tmp_path / "b.csv").write_text("code,a,y\n01,3,007\n2.0,NA,007\n,1,007\n")
    rows = read_csv(tmp_path / "b.csv", table.form)
    assert table.transform(rows).tolist() == [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert table.targets(rows).tolist() == [0, 0, 0]
    data = (
        CSV(root=tmp_path, file=Path("b.csv"), label="y", test=0.3).as_learnt({TABLE: json.dumps(old)}).load()
    )
    assert len(data.train) + len(data.test) == 3
    assert set(data.train.targets.tolist()) == {0}


def test_other_data_are_read_as_the_model_was_trained_unless_the_config_says_how(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a;code;y\n" + "1,5;01;007\n2,5;02;010\n" * 10)
    trained = CSV(root=tmp_path, file=Path("a.csv"), label="y", separator=";", decimal=",").load()
    (tmp_path / "b.csv").write_text("a;code;y\n" + "1,5;01;007\n" * 5)
    (tmp_path / "c.tsv").write_text("a\tcode\ty\n" + "1.5\t01\t007\n" * 5)
    row = trained.train.samples[trained.train.targets == 0][:1]
    files: list[dict[str, Any]] = [{"file": Path("b.csv")}, {"file": Path("c.tsv"), "separator": "\\t"}]
    for arguments in files:
        other = CSV(root=tmp_path, label="y", **arguments)
        data = other.as_learnt(trained.preprocessing).load()
        assert torch.equal(data.train.samples, row.expand(4, -1))
        assert data.train.targets.tolist() == [0] * 4
