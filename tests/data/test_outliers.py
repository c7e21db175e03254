"""A value that leaves no difference between the others is named, one that leaves some is not."""

import logging
from pathlib import Path

import numpy as np
import pytest

from runner.data.outliers import outlier
from runner.data.table_file import CSV

DRAW = np.random.default_rng(0)
PLAIN = DRAW.normal(size=99)


@pytest.mark.parametrize(
    ("values", "far"),
    [
        (np.append(PLAIN, 1e30), 1e30),
        (np.append(PLAIN, -1e9), -1e9),
        (np.append(PLAIN + 1e6, [1e20, 1e20]), 1e20),
        (np.append(PLAIN, 1000.0), None),
        (np.append(np.zeros(99), 1e30), None),  # no difference is lost
        (np.exp(10 * PLAIN), None),
        (np.full(100, 0.1), None),
        (np.arange(100.0), None),
    ],
)
def test_an_outlier_is_one_that_hides_what_the_others_differ_by(
    values: np.ndarray, far: float | None
) -> None:
    assert outlier(values) == far


@pytest.mark.parametrize("name", ["a", "y"])
def test_its_column_is_named_be_it_an_input_or_the_label(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    for extreme, expected in ((1e25, True), (5.0, False)):
        columns = {"a": DRAW.normal(size=100), "y": DRAW.normal(size=100)}
        columns[name][3] = extreme
        lines = [
            f"{a},c{place % 2},{y}\n" for place, (a, y) in enumerate(zip(*columns.values(), strict=True))
        ]
        (tmp_path / "a.csv").write_text("".join(["a,b,y\n", *lines]))
        (tmp_path / "test.csv").write_text("a,b,y\n0.5,c1,0.5\n")
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            CSV(root=tmp_path, file=Path("a.csv"), test_file=Path("test.csv"), label="y").load()
        found = [line for line in caplog.messages if "so far from the others" in line]
        if expected:
            caplog.clear()
            table = CSV(root=tmp_path, file=Path("a.csv"), label="a" if name == "y" else "y", missing=(1e25,))
            assert table.load()
            assert not [line for line in caplog.messages if "so far from the others" in line]
        assert [line.startswith(f"column '{name}': 1e+25") for line in found] == [True] * expected
