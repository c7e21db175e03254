"""The page and the numbers behind it."""

from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.results import Findings, Record, Table

ORDER = ("first", "second", "third")


def record(title: str, findings: Findings | None = None) -> Record:
    table = Table(columns=("program", "s"), rows=(("runner", "0.5"),))
    findings = findings or Findings(tables=(table,), notes=("A note.",), samples={"runner": [0.4, 0.5, 0.6]})
    return Record(title=title, settings="rounds 3", machine={"CPU": "fast"}, findings=findings)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    records = {"first": record("One"), "second": record("Two")}
    results.write(tmp_path / "RESULTS.md", records, ORDER)
    assert results.read(tmp_path / "RESULTS.json") == records


def test_where_nothing_was_written_there_are_no_records(tmp_path: Path) -> None:
    assert results.read(tmp_path / "RESULTS.json") == {}


def test_a_section_takes_its_earlier_place_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    old = {"third": record("Three"), "gone": record("Of an older version"), "first": record("One")}
    results.write(page, old, ORDER)
    known = results.read(tmp_path / "RESULTS.json")
    results.write(page, results.merge(known, "first", record("One, again")), ORDER)
    headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## One, again", "## Three", "## Of an older version"]


def test_not_measuring_does_not_wipe_out_a_measurement() -> None:
    nothing = record("One", Findings(not_measured="no data"))
    assert results.merge({"first": record("One")}, "first", nothing) == {"first": record("One")}
    assert results.merge({}, "first", nothing) == {"first": nothing}
    assert results.merge({"first": nothing}, "first", record("One")) == {"first": record("One")}


def test_the_page_shows_table_notes_machine_and_settings() -> None:
    assert results.as_markdown(record("One")) == (
        "## One\n\n"
        "| program | s |\n| --- | ---: |\n| runner | 0.5 |\n\n"
        "- A note.\n\n"
        "<sub>rounds 3; CPU fast</sub>\n"
    )


@pytest.mark.parametrize(
    ("findings", "shown"),
    [
        (Findings(not_measured="torch sees none"), "Not measured: torch sees none"),
        (Findings(failures={"JAX": "its last words"}), "JAX failed:\n\n```text\nits last words\n```"),
    ],
    ids=["not measured", "failed"],
)
def test_what_did_not_work_is_told(findings: Findings, shown: str) -> None:
    assert shown in results.as_markdown(record("One", findings))
