"""A text in a CSV file is no formula of a spreadsheet's; numbers stay numbers."""

import pytest

from runner.process.spreadsheet import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "-"]
)
def test_a_text_that_would_be_a_formula_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["-1", "+2.5e-3", "-.5", "setosa", "", "a=b", -1.5, float("-inf"), None, 3, [1]]
)
def test_all_else_stays_as_it_is(value: object) -> None:
    assert cell(value) is value
