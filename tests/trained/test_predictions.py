"""Predictions in a file: what a spreadsheet opens holds no formula, and every number to its last digit."""

import csv
from pathlib import Path

import numpy as np

from runner.trained.predictions import Predictions


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_classes_that_would_be_formulas_are_texts_and_numbers_stay_numbers(tmp_path: Path) -> None:
    values = np.array([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0, 0.1, 0.9]], dtype=np.float32)
    names = ("=HYPERLINK(1)", "-1", "@x")
    Predictions(values, values.argmax(-1), names, "classification").write(tmp_path / "p.csv")
    heading, *rows = rows_of(tmp_path / "p.csv")
    assert heading == ["class", "probability_=HYPERLINK(1)", "probability_-1", "probability_@x"]
    assert [row[0] for row in rows] == ["'=HYPERLINK(1)", "-1", "'@x"]
    assert np.array_equal(np.array([row[1:] for row in rows], dtype=np.float32), values)


def test_a_target_that_would_be_a_formula_is_a_text_and_negative_values_are_numbers(tmp_path: Path) -> None:
    values = np.array([[-1.5], [2.0]], dtype=np.float32)
    Predictions(values, None, ("=y",), "regression").write(tmp_path / "p.csv")
    assert rows_of(tmp_path / "p.csv") == [["'=y"], ["-1.5"], ["2.0"]]
