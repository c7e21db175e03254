"""Rows become inputs by what was learnt from the rows to train on."""

import pytest
import torch

from runner.data.table import Table
from runner.errors import DataError

ROWS = {
    "length": [1.0, 3.0, float("nan"), None],
    "colour": ["red", None, "blue", "red"],
    "species": ["rose", "tulip", "rose", "tulip"],
}


def fitted() -> Table:
    return Table.fit(
        ROWS, numeric=["length"], categorical=["colour"], label="species", classes=["rose", "tulip"]
    )


def test_numbers_are_standardised_and_missing_ones_are_the_mean() -> None:
    assert fitted().transform(ROWS)[:, 0].tolist() == [-1, 1, 0, 0]


def test_a_category_has_an_input_of_its_own_and_missing_is_one() -> None:
    assert fitted().transform(ROWS)[:, 1:].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_a_category_that_was_not_learnt_from_is_none_of_those() -> None:
    inputs = fitted().transform({"length": [5.0], "colour": ["green"]})
    assert inputs.tolist() == [[3, 0, 0, 0]]


def test_a_constant_column_is_zero() -> None:
    table = Table.fit({"a": [2, 2], "y": [0, 1]}, numeric=["a"], categorical=[], label="y", classes=None)
    assert table.transform({"a": [2, 2]}).tolist() == [[0], [0]]
    assert table.targets({"y": [0, 1]}).tolist() == [[0], [1]]


def test_whole_numbers_are_the_same_category_with_and_without_missing_ones() -> None:
    table = Table.fit({"a": [1, 2], "y": [0, 1]}, numeric=[], categorical=["a"], label="y", classes=None)
    assert torch.equal(table.transform({"a": [2.0, 1.0]}), table.transform({"a": [2, 1]}))


def test_a_table_comes_back_from_its_json_as_it_was() -> None:
    table = fitted()
    assert Table.from_json(table.to_json()) == table


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"columns": [{"name": "a"}]}'])
def test_a_text_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="description of a table"):
        Table.from_json(text)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"colour": ["red"]}, "has no column 'length'.*Known: colour"),
        ({"length": ["long"], "colour": ["red"]}, "column 'length': is not of numbers.*long"),
        ({"length": [1, float("inf")], "colour": ["red", "red"]}, "column 'length': has infinite values"),
    ],
)
def test_rows_that_are_not_of_the_table_are_refused(rows: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted().transform(rows)


def test_a_label_that_is_missing_or_no_class_is_refused() -> None:
    with pytest.raises(DataError, match="1 rows have no value"):
        fitted().targets({"species": ["rose", None]})
    with pytest.raises(DataError, match=r"unknown class 'roes'\. Did you mean 'rose'"):
        fitted().targets({"species": ["roes"]})
