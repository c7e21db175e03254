"""README's figures are those that were measured."""

import pytest

from docs import speed


def test_readme_has_the_figures_of_the_results() -> None:
    assert speed.text() in speed.README.read_text(), "python -m docs.speed writes them anew"


def test_figures_are_read_by_row_and_column() -> None:
    results = (
        "## One\n\n| program | s | ratio |\n| --- | ---: | ---: |\n| a | 1.50 (1.2 to 2) |  |\n\n## Two\n"
    )
    rows = speed.rows_of(results, "One")
    assert speed.number(rows["a"]["s"]) == "1.50"
    with pytest.raises(ValueError, match="no table 'Two'"):
        speed.rows_of(results, "Two")
