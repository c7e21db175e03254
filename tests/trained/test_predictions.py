"""Predictions in a file: what a spreadsheet opens holds no formula, and every number to its last digit."""

import csv
from pathlib import Path

import numpy as np
import pytest

from runner.trained.predictions import Predictions


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_classes_that_would_be_formulas_are_texts_and_numbers_stay_numbers(tmp_path: Path) -> None:
    outputs = np.array([[3.0, 0, 0], [0, 3, 0], [0, 0, 3]], dtype=np.float32)
    Predictions.of(outputs, "classification", ("=HYPERLINK(1)", "-1", "@x")).write(tmp_path / "p.csv")
    heading, *rows = rows_of(tmp_path / "p.csv")
    assert heading == ["class", "probability_=HYPERLINK(1)", "probability_-1", "probability_@x"]
    assert [row[0] for row in rows] == ["'=HYPERLINK(1)", "-1", "'@x"]
    told = np.exp(outputs.astype(np.float64)) / np.exp(outputs.astype(np.float64)).sum(1, keepdims=True)
    assert np.array([row[1:] for row in rows], dtype=np.float64) == pytest.approx(told, rel=1e-6)


def test_a_target_that_would_be_a_formula_is_a_text_and_negative_values_are_numbers(tmp_path: Path) -> None:
    Predictions.of(np.array([[-1.5], [2.0]], dtype=np.float32), "regression", ("=y",)).write(
        tmp_path / "p.csv"
    )
    assert rows_of(tmp_path / "p.csv") == [["'=y"], ["-1.5"], ["2.0"]]
