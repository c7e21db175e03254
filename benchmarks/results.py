"""What has been measured, kept in a JSON file, and the page that is made from it.

A section that is measured again takes the place of its earlier self; all others stay, each with its own date
and machine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel


class Table(BaseModel):
    """A table as it is shown; the first column is text, the others are mostly numbers."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


class Findings(BaseModel):
    """What a section found.

    Attributes:
        tables: for people.
        notes: what has to be known to read them.
        failures: programs that ended with an error, and what they said.
        samples: the numbers behind the tables, for programs.
        not_measured: why there is nothing, where there is nothing.
    """

    model_config = ConfigDict(frozen=True)

    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    failures: dict[str, str] = {}
    samples: Any = None
    not_measured: str | None = None


class Record(BaseModel):
    """A section's findings, and when and with what they were found."""

    model_config = ConfigDict(frozen=True)

    title: str
    settings: str
    machine: dict[str, str]
    findings: Findings


class Records(RootModel[dict[str, Record]]):
    """All sections by name."""


INTRODUCTION = """# Benchmarks

Made by `python -m benchmarks` (install with `pip install -e '.[bench]'`), which keeps the numbers of every
epoch and run in `{json}` beside this page. Each program runs in a process of its own, never two at a time; in
each round everyone has a turn, in an order that is rotated from round to round. A time is the median over all
rounds, in brackets the least and the greatest. A ratio below 1 means that the runner is faster; in brackets
the least and the greatest ratio within one round. A target that is missed is shown as it was measured.
"""


def read(path: Path) -> dict[str, Record]:
    """The records in a JSON file; none where there is no file."""
    return Records.model_validate_json(path.read_text()).root if path.exists() else {}


def merge(known: Mapping[str, Record], name: str, record: Record) -> dict[str, Record]:
    """The records with one more; a section that was not measured leaves an earlier measurement standing."""
    if record.findings.not_measured and name in known and not known[name].findings.not_measured:
        return dict(known)
    return {**known, name: record}


def write(page: Path, records: Mapping[str, Record], order: tuple[str, ...]) -> None:
    """Write the JSON file and the page; sections stand in ``order``, ones that it lacks at the end."""
    names = [*(name for name in order if name in records), *(name for name in records if name not in order)]
    json = page.with_suffix(".json")
    kept = Records({name: records[name] for name in names})
    json.write_text(kept.model_dump_json(indent=1) + "\n")
    sections = [as_markdown(records[name]) for name in names]
    page.write_text("\n".join([INTRODUCTION.format(json=json.name), *sections]))


def as_markdown(record: Record) -> str:
    """A section of the page."""
    findings = record.findings
    parts = [f"## {record.title}"]
    if findings.not_measured:
        parts.append(f"Not measured: {findings.not_measured}")
    parts += [table_as_markdown(table) for table in findings.tables]
    parts += [f"- {note}" for note in findings.notes]
    for program, reason in findings.failures.items():
        parts.append(f"{program} failed:\n\n```text\n{reason}\n```")
    told = "; ".join(f"{name} {value}" for name, value in record.machine.items())
    parts.append(f"<sub>{record.settings}; {told}</sub>")
    return "\n\n".join(parts) + "\n"


def table_as_markdown(table: Table) -> str:
    """A table in GitHub's Markdown."""
    lines = [table.columns, ("---", *["---:"] * (len(table.columns) - 1)), *table.rows]
    caption = f"{table.caption}\n\n" if table.caption else ""
    return caption + "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
