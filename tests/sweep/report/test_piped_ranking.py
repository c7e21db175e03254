"""A ranking that is piped shows its headings whole."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from runner.sweep.report.standings import show_table

KEYS = [f"model.layers.l{number}.out_features_of_a_long_name" for number in range(6)]


def test_headings_are_whole_where_nobody_s_terminal_is_narrow() -> None:
    file = StringIO()
    table = Table(*KEYS, box=None, pad_edge=False)
    table.add_row(*"123456")
    show_table(table, Console(file=file, width=80))
    heading, row = file.getvalue().splitlines()
    assert heading.split() == KEYS
    assert row.split() == list("123456")
