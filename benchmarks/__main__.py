"""``python -m benchmarks``: measure, print, and write ``benchmarks/RESULTS.md``.

Exit code 0, or 1 if any program failed. One that can't run here (no compiler, no package, no data) is no
failure; the page says why it is missing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table as Grid

from benchmarks import machine, results
from benchmarks.process import CHECKOUT, ProcessError
from benchmarks.results import Findings, Record
from benchmarks.sections.section import NotMeasuredError, Setup
from benchmarks.sections.table import SECTIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sections that are asked for, each of which is written as soon as it is there."""
    options = parse(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)
    page: Path = options.out
    page.parent.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in options.sections:
        section = SECTIONS[name]
        console.rule(section.title)
        described = machine.describe(options.threads)
        findings = measure(name, options, console)
        settings = f"rounds {options.rounds}, timed epochs a round {options.epochs}"
        record = Record(title=section.title, settings=settings, machine=described, findings=findings)
        show(findings, console)
        records = results.merge(results.read(page.with_suffix(".json")), name, record)
        results.write(page, records, tuple(SECTIONS))
        failed |= bool(findings.failures)
    console.print(f"written to {page}")
    return int(failed)


def measure(name: str, options: argparse.Namespace, console: Console) -> Findings:
    """A section's findings, whatever comes of it."""
    with TemporaryDirectory() as work:
        setup = Setup(
            rounds=options.rounds,
            epochs=options.epochs,
            threads=options.threads,
            data=options.data,
            work=Path(work),
            say=lambda line: console.print(line, style="dim", highlight=False),
        )
        try:
            return SECTIONS[name].measure(setup)
        except NotMeasuredError as reason:
            return Findings(not_measured=str(reason))
        except ProcessError as error:  # one that all others of the section need
            return Findings(not_measured="a program that it needs failed", failures={name: str(error)})


def show(findings: Findings, console: Console) -> None:
    """Print a section as the page will have it."""
    if findings.not_measured:
        console.print(f"not measured: {findings.not_measured}", markup=False)
    for table in findings.tables:
        grid = Grid(title=table.caption or None)
        for number, column in enumerate(table.columns):
            grid.add_column(column, justify="right" if number else "left")
        for row in table.rows:
            grid.add_row(*row)
        console.print(grid)
    for program, reason in findings.failures.items():
        console.print(f"{program} failed: {reason}", style="red", markup=False, highlight=False)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the runner beside others."
    )
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; default all"
    )
    parser.add_argument("--rounds", type=positive, default=5, help="turns of each program (default 5)")
    parser.add_argument("--epochs", type=positive, default=3, help="timed epochs a turn (default 3)")
    parser.add_argument("--threads", type=positive, default=os.cpu_count() or 1, help="default: all cores")
    parser.add_argument("--data", type=Path, default=default_data(), help="the folder that holds MNIST/raw")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "benchmarks" / "RESULTS.md", help="the page")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section '{unknown[0]}', known: {', '.join(SECTIONS)}")
    options.sections = options.sections or list(SECTIONS)
    return options


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} should be at least 1")
    return number


def default_data() -> Path:
    """The data folder beside the checkout if it is there, else where the runner downloads to."""
    beside = CHECKOUT.parent / "shared" / "data"
    return beside if beside.is_dir() else CHECKOUT / "outputs" / "data"


if __name__ == "__main__":
    sys.exit(main())
