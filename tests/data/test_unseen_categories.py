"""Categories that were not trained on are counted in a line; many take the memory of their inputs alone."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from runner.data import table as module
from runner.data.table import Categorical, Table
from runner.errors import DataError

ROWS = {"city": ["Ulm", "Bonn", "Ulm", "Bonn"], "kind": ["a", "b", "a", None], "y": [0, 1, 0, 1]}


def fitted() -> Table:
    return Table.fit(ROWS, numeric=[], categorical=["city", "kind"], label="y", classes=None)


def test_a_line_says_how_many_unseen_categories_of_which_column_there_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = pd.DataFrame(
        {"city": ["Rom", "Ulm", "Rom", "", "Bonn"], "kind": ["a", "", "b", "NA", "c"]}, index=[9, 8, 7, 6, 5]
    )
    with caplog.at_level(logging.WARNING):
        fitted().transform(rows, "new.csv")
    said = "values are no category that the model was trained on, so all its inputs are 0"
    assert caplog.messages == [
        f"new.csv: column 'city': 3 of 5 {said}: 2 'Rom', 1 empty",
        f"new.csv: column 'kind': 1 of 5 {said}: 1 'c'",
    ]


def test_the_categories_that_a_line_names_are_the_most_frequent_few(caplog: pytest.LogCaptureFixture) -> None:
    cities = [name for number in range(1, 9) for name in [f"city {number}"] * number]
    with caplog.at_level(logging.WARNING):
        fitted().transform({"city": cities, "kind": ["a"] * len(cities)})
    (line,) = caplog.messages
    assert line.endswith("8 'city 8', 7 'city 7', 6 'city 6', 5 'city 5', 4 'city 4' and 3 more"), (
        "36 rows, eight names"
    )


def test_nothing_is_said_of_rows_that_were_trained_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        fitted().transform(ROWS)
    assert not caplog.messages


def test_rows_of_100_000_categories_take_the_memory_of_their_inputs_alone() -> None:
    names = [f"{number:06}" for number in range(100_000)]
    column = Categorical("code", tuple(names))
    inputs = column.transform(["000007", "none", "099999"])  # all 100,000 by 100,000 would take 80 GB
    assert [row.nonzero()[0].tolist() for row in inputs] == [[7], [], [99_999]]


def test_more_inputs_than_memory_are_refused_by_the_widest_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "free_memory", lambda: 2**20)
    names = [str(number) for number in range(1000)]
    rows = {"code": names, "kind": ["a", "b"] * 500, "y": np.arange(1000)}
    table = Table.fit(rows, numeric=[], categorical=["kind", "code"], label="y", classes=None)
    with pytest.raises(
        DataError, match=r"1,000 samples of 1,002 inputs do not fit .* column 'code' alone gives 1,000"
    ):
        table.transform(rows)
    assert torch.equal(
        table.transform({"code": names[:9], "kind": ["a"] * 9})[:, :2],
        torch.tensor([[1.0, 0.0]]).expand(9, 2),
    )
