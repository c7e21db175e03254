"""A row of a table becomes the same inputs in whatever file or frame, and beside whatever rows, it comes."""

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.data.csv_file import read_csv
from runner.data.table import TABLE, Numeric, Table
from runner.data.table_file import CSV, Parquet
from runner.data.text_format import MISSING, MISSING_NUMBERS

LETTERS = st.text(
    st.characters(codec="latin-1", exclude_categories=("Cc", "Zs", "Cf")), min_size=1, max_size=4
)
WORDS = LETTERS.map(lambda word: f"w{word}")
QUOTED = st.sampled_from(['a"b', "a;b,c", "two\nlines", "tab\tbed", "|", "é"])
NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(float),
    st.floats(-1e12, 1e12, allow_nan=False, width=64),
    st.sampled_from([0.1, -0.0, 1e-30, 123456789.123]),
)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS,
    "word": st.one_of(WORDS, QUOTED),
    "code": st.sampled_from(["01", "02", "007", "1A"]),
    "truth": st.sampled_from(["True", "False"]),
    "day": st.dates().map(lambda day: day.isoformat()),
}
FORMATS = st.sampled_from([
    {"separator": ",", "decimal": "."},
    {"separator": ";", "decimal": ",", "thousands": "."},
    {"separator": "\t", "decimal": ".", "thousands": ","},
    {"separator": "|", "decimal": ","},
])  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A table as text, the numbers that its columns stand for, and rows of it in another order."""

    cells: pd.DataFrame
    numbers: dict[str, list[float]]
    form: dict[str, Any]
    picked: list[int]


@st.composite
def tables(draw: st.DrawFn) -> Drawn:
    form = draw(FORMATS) | {"encoding": draw(st.sampled_from(["utf-8", "latin-1", "utf-16", "utf-8-sig"]))}
    count = draw(st.integers(4, 14))
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4))
    columns: dict[str, list[str]] = {}
    numbers = {}
    for place, kind in enumerate(kinds):
        values = draw(st.lists(CELLS[kind], min_size=count, max_size=count))
        tokens = MISSING if kind in ("word", "code", "truth") else MISSING_NUMBERS
        missing = draw(st.lists(st.sampled_from([None, None, None, *tokens]), min_size=count, max_size=count))
        missing[0] = None  # else there is nothing to fit
        written = [written_as(value, form) if kind == "number" else value for value in values]
        columns[f"{kind}{place}"] = [
            text if token is None else token for text, token in zip(written, missing, strict=True)
        ]
        if kind == "number":
            numbers[f"{kind}{place}"] = [
                value if token is None else np.nan for value, token in zip(values, missing, strict=True)
            ]
    columns["label"] = ["007", "010"] * (count // 2) + ["007"] * (count % 2)
    picked = draw(st.permutations(range(count)))[: draw(st.integers(1, count))]
    return Drawn(pd.DataFrame(columns, dtype=str), numbers, form, list(picked))


def written_as(value: float, form: dict[str, Any]) -> str:
    text = f"{value:,}" if "thousands" in form else repr(value)
    return text.translate(str.maketrans({",": form.get("thousands", ""), ".": form["decimal"]}))


def write(path: Path, cells: pd.DataFrame, form: dict[str, Any], line_end: str) -> None:
    with path.open("w", encoding=form["encoding"], newline="") as file:
        writer = csv.writer(file, delimiter=form["separator"], lineterminator=line_end)
        writer.writerows([list(cells), *cells.to_numpy().tolist()])


@given(drawn=tables(), line_end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_some_rows_in_another_order_with_other_columns_are_the_same_inputs(
    drawn: Drawn, line_end: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "whole.csv", drawn.cells, drawn.form, line_end)
        files: dict[str, Any] = {"file": Path("whole.csv"), "test_file": Path("whole.csv")}
        data = CSV(root=folder, label="label", **files, **drawn.form).load()
        table = Table.from_json(data.preprocessing[TABLE])
        for column in table.columns:
            if column.name in drawn.numbers:
                assert isinstance(column, Numeric), column
                values = np.array(drawn.numbers[column.name])
                own = table.transform(drawn.cells)[:, table.columns.index(column)].double().numpy()
                expected = np.where(np.isnan(values), column.mean, values) - column.mean
                np.testing.assert_allclose(own * column.std, expected, rtol=1e-6, atol=1e-6 * column.std)
                np.testing.assert_allclose(column.mean, np.nanmean(values), rtol=1e-12, atol=1e-12)
            elif column.name.startswith("day"):
                assert isinstance(column, Numeric), column
                assert column.kind == "date"
        some = drawn.cells.iloc[drawn.picked, ::-1].assign(another="of no use")
        write(folder / "some.csv", some, drawn.form, "\n")
        read = read_csv(folder / "some.csv", table.form)
        assert torch.equal(table.transform(read), data.train.samples[drawn.picked])
        assert torch.equal(table.transform(some), data.train.samples[drawn.picked]), "of a frame"
        assert torch.equal(table.targets(read), data.train.targets[drawn.picked])
        assert table.classes == ("007", "010")


def test_columns_of_parquet_are_what_they_are_and_the_same_in_another_file(tmp_path: Path) -> None:
    count = 40
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({
        "whole": pd.array(draw.integers(0, 9, count), dtype="Int64"),
        "truth": pd.array(draw.integers(0, 2, count).astype(bool), dtype="boolean"),
        "level": pd.Categorical.from_codes(draw.integers(0, 3, count), ["low", "mid", "high"]),
        "when": pd.date_range("2024-01-31", periods=count, freq="7h"),
        "code": draw.choice(["01", "1"], count),
        "y": draw.choice(["007", "010"], count),
    })  # fmt: skip
    rows.loc[3, ["whole", "truth", "level", "when"]] = None
    rows.to_parquet(tmp_path / "a.parquet")
    files: dict[str, Any] = {"file": Path("a.parquet"), "test_file": Path("a.parquet")}
    data = Parquet(root=tmp_path, label="y", **files).load()
    table = Table.from_json(data.preprocessing[TABLE])
    named = {column.name: column for column in table.columns}
    assert isinstance(whole := named["whole"], Numeric)
    assert whole.mean == pytest.approx(rows["whole"].dropna().astype(float).mean())
    assert isinstance(when := named["when"], Numeric)
    seconds = (rows["when"].dropna() - pd.Timestamp(0)).dt.total_seconds()
    assert when.mean == pytest.approx(seconds.mean() / 86400)
    assert vars(named["truth"])["categories"] == ("False", "True", None)
    assert vars(named["level"])["categories"] == ("high", "low", "mid", None)
    assert vars(named["code"])["categories"] == ("01", "1")
    some = rows.sample(frac=0.5, random_state=0)
    some = some[some["truth"].notna()]
    expected = data.train.samples[some.index.to_numpy().copy()]
    some.to_parquet(tmp_path / "b.parquet", index=False)
    assert torch.equal(table.transform(pd.read_parquet(tmp_path / "b.parquet")), expected)
    some.to_csv(tmp_path / "b.csv", index=False)
    assert torch.equal(table.transform(read_csv(tmp_path / "b.csv", table.form)), expected), "and as text"
