"""``python -m docs.speed``: writes README's table of speed, from ``benchmarks/RESULTS.md``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "benchmarks" / "RESULTS.md"

BEGINNING, END = "<!-- written by python -m docs.speed -->", "<!-- until here -->"


@dataclass(frozen=True)
class Comparison:
    """What README says of one section of the results.

    Attributes:
        section: its heading.
        told: what was measured, in README's words.
        runner: the row of the runner.
        programs: the rows that it is compared with.
        column, unit: where the time is, and in what.
        ratio: the column with the ratio of the two.
    """

    section: str
    told: str
    runner: str
    programs: tuple[str, ...]
    column: str
    unit: str
    ratio: str


COMPARISONS = [
    Comparison(
        "MNIST, 784-128-10", "an epoch of MNIST, 784-128-10", "runner",
        ("Lightning, DataLoader", "plain PyTorch, DataLoader", "plain PyTorch, batches in memory",
         "the article's listings, C++ over LibTorch", "JAX, scan over the epoch"),
        "s/epoch", "s", "runner / program",
    ),
    Comparison(
        "MNIST, LeNet-5", "an epoch of LeNet-5", "runner", ("plain PyTorch, batches in memory",),
        "s/epoch", "s", "runner / program",
    ),
    Comparison(
        "MNIST row by row, LSTM with 128 hidden units", "an epoch of an LSTM", "runner",
        ("plain PyTorch, batches in memory",), "s/epoch", "s", "runner / program",
    ),
    Comparison(
        "A sweep of 64 cells, start to finish (digits, 20 epochs)", "the sweep above",
        "runner", ("plain PyTorch + MLflow script",), "s", "s", "runner / this",
    ),
    Comparison(
        "Training time of 64 members (digits, 64-128-10)", "an epoch of 64 models, each", "runner, a sweep",
        ("JAX, vmap over all members",), "a warm epoch, ms a member", "ms", "sweep / program",
    ),
]  # fmt: skip


def main() -> None:
    """Write the table into README."""
    before, _, rest = README.read_text().partition(BEGINNING)
    README.write_text(before + text() + rest.partition(END)[2])


def text() -> str:
    """The table, with the lines around it that say where it begins and ends."""
    results = RESULTS.read_text()
    found = ["| what | runner | compared with | its time | ratio |", "| --- | ---: | --- | ---: | ---: |"]
    for each in COMPARISONS:
        rows = rows_of(results, each.section)
        own = number(rows[each.runner][each.column])
        for program in each.programs:
            row = rows[program]
            time, ratio = number(row[each.column]), number(row[each.ratio])
            found.append(f"| {each.told} | {own} {each.unit} | {program} | {time} {each.unit} | {ratio} |")
    return "\n".join([BEGINNING, *found, END])


def rows_of(results: str, section: str) -> Mapping[str, Mapping[str, str]]:
    """The rows of a section's first table: cells by the names of their columns, rows by their first cell.

    Raises:
        ValueError: if there is no such section.
    """
    found = re.search(rf"^## {re.escape(section)}\n\n((?:\|.*\n)+)", results, re.MULTILINE)
    if found is None:
        raise ValueError(f"{RESULTS.name} has no table '{section}'")
    header, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in found.group(1).splitlines()
    )
    return {line[0]: dict(zip(header, line, strict=True)) for line in lines}


def number(cell: str) -> str:
    """The median of a cell, as it stands there."""
    return cell.partition(" ")[0]


if __name__ == "__main__":
    main()
