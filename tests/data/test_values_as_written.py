"""A value written in several ways is one value, and what is written in ways that are not read is reported."""

import logging
from pathlib import Path

import numpy as np
import pandas
import pytest

from runner.data import cells
from runner.data.table import TABLE, Categorical, Numeric, Table
from runner.data.table_file import CSV, Parquet
from runner.data.text_format import TextFormat

ROWS = 30


def table_of(folder: Path, cells: list[str], label: list[str] | None = None, **arguments: object) -> Table:
    label = label or ["no", "yes"] * (ROWS // 2)
    lines = [f'"{cell}",{of}\n' for cell, of in zip(cells, label, strict=True)]
    (folder / "a.csv").write_text("".join(["a,y\n", *lines]), encoding="utf-8")
    source = CSV(root=folder, file=Path("a.csv"), label="y", **arguments)  # type: ignore[arg-type]
    return Table.from_json(source.load().preprocessing[TABLE])


def numbers(places: int = 1) -> list[str]:
    return [f"{number}.{5:0<{places}}" for number in range(ROWS)]


@pytest.mark.parametrize(
    ("written", "classes"),
    [
        (["1", "1.0", "2"], ("1", "2")),
        (["a", "a ", " b"], ("a", "b")),
        (["1.0", "1.0", "2.0"], ("1.0", "2.0")),
        (["01", "1", "1.0"], ("01", "1")),
        (["1.5", "x", "1.50"], ("1.5", "1.50", "x")),
    ],
)
def test_classes_that_differ_in_blanks_or_a_fraction_of_0_are_one(
    tmp_path: Path, written: list[str], classes: tuple[str, ...]
) -> None:
    table = table_of(tmp_path, numbers(), written * (ROWS // 3), kind="classification")
    assert sorted(table.classes or ()) == sorted(classes)
    read = pandas.DataFrame({"y": [f" {name} " for name in classes]})
    assert table.targets(read).tolist() == [(table.classes or ()).index(name) for name in classes]


def test_categories_of_models_that_kept_blanks_are_found() -> None:
    inputs = Categorical("a", (" left", " right", None)).transform(["left", " right", " left ", "up"])
    assert inputs.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([f"{number},234.5" for number in range(1, ROWS + 1)], "look like numbers with other marks"),
        ([f"{number},5" for number in range(ROWS)], "look like numbers with other marks"),
        ([f"{number} %" for number in range(ROWS)], "look like numbers with other marks"),
        ([f"${number}.50" for number in range(ROWS)], "look like numbers with other marks"),
        ([f"\u2212{number}" for number in range(ROWS)], "look like numbers with other marks"),
        ([f"{number % 12 + 1}/{number % 28 + 1}/2024" for number in range(ROWS)], "look like dates"),
        ([f"{number % 28 + 1:02}.01.2024 10:30" for number in range(ROWS)], "look like dates"),
        ([f"192.168.0.{number}" for number in range(ROWS)], ""),
        ([f"room {number}" for number in range(ROWS)], ""),
        ([f"{number}a" for number in range(ROWS)], ""),
    ],
)
def test_numbers_and_dates_in_ways_that_are_not_read_are_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cells: list[str], line: str
) -> None:
    with caplog.at_level(logging.WARNING):
        (column,) = table_of(tmp_path, cells).columns
    assert isinstance(column, Categorical)
    found = [message for message in caplog.messages if "look like" in message]
    assert (len(found) == 1 and line in found[0]) if line else not found


def test_quoted_numbers_may_have_the_separator_between_their_thousands(tmp_path: Path) -> None:
    values = [1000.5 * number for number in range(ROWS)]
    table = table_of(tmp_path, [f"{value:,}" for value in values], thousands=",", kind="classification")
    read = pandas.DataFrame({"a": [f"{value:,}" for value in values]})
    (column,) = table.columns
    assert isinstance(column, Numeric)
    np.testing.assert_allclose(
        table.transform(read, "rows")[:, 0], (np.array(values) - column.mean) / column.std, rtol=1e-6
    )


def test_ids_that_float64_rounds_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for first, expected in ((2**53, True), (2**63, True), (10**6, False)):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            table_of(tmp_path, [str(first + number) for number in range(ROWS)])
        assert any("are rounded" in message for message in caplog.messages) == expected, first


@pytest.mark.parametrize("kind", ["Int64", "UInt64"])
def test_whole_numbers_of_parquet_keep_their_digits_beside_missing_ones(tmp_path: Path, kind: str) -> None:
    ids = pandas.array([None if row == 4 else 2**60 + row % 3 for row in range(ROWS)], dtype=kind)
    rows = pandas.DataFrame({"a": ids, "y": ["no", "yes"] * (ROWS // 2)})
    rows.to_parquet(tmp_path / "a.parquet")
    source = Parquet(root=tmp_path, file=Path("a.parquet"), label="y", categorical=("a",))
    (column,) = Table.from_json(source.load().preprocessing[TABLE]).columns
    assert isinstance(column, Categorical)
    assert set(column.categories) <= {*(str(2**60 + each) for each in range(3)), None}
    assert {str(2**60 + each) for each in range(3)} <= set(column.categories)


def test_numbers_read_at_once_are_those_of_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    columns = [
        [repr(float(value)) for value in draw.normal(size=50) * 10.0 ** draw.integers(-30, 30, 50)],
        ["+1", "1.", ".5", "-.5e3", "1E+05", "-0", " 7 ", "1e-400"],
        ["1", "", "2"],
        ["1", "-999", "2"],
        ["1", "nan", "2"],
    ]
    for form in (TextFormat(), TextFormat.of(missing=[]), TextFormat.of(missing=[-999])):
        for column in columns if form == TextFormat() else columns[:4]:
            fast = cells.numbers("a", column, form)
            with monkeypatch.context() as patched:
                patched.setattr(cells, "plain_numbers", lambda trimmed, form: None)
                np.testing.assert_array_equal(fast, cells.numbers("a", column, form))


def test_a_label_of_one_class_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        table_of(tmp_path, numbers(), ["yes"] * ROWS)
    assert "column 'y': all rows have the same class, 'yes'" in caplog.messages
