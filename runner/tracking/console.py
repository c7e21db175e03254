"""What everything that prints shares: the console, and an epoch's numbers in short."""

import signal
from collections.abc import Mapping
from io import StringIO

from rich.console import Console
from rich.table import Table

from runner.process.signals import Terminated

PARTS = ("train/", "val/", "test/")
SHOWN = tuple(part + kind for part in PARTS for kind in ("loss", "accuracy"))


class PipeConsole(Console):
    """A console whose reader may go away (``… | head``): that stops a run as a signal does."""

    def on_broken_pipe(self) -> None:
        """Rich's own answer, exit code 1, would make it a failure."""
        try:
            super().on_broken_pipe()
        except SystemExit:
            raise Terminated(signal.SIGPIPE) from None


def as_text(table: Table) -> str:
    """A table as plain text, as wide as it needs to be."""
    console = Console(file=StringIO(), width=500, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def numbers(metrics: Mapping[str, float]) -> str:
    """An epoch's losses and accuracies, short."""
    return "  ".join(f"{name} {metrics[name]:.4f}" for name in SHOWN if name in metrics)
