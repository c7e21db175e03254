"""What everything that prints shares: the console, and an epoch's numbers in short."""

import signal
from collections.abc import Iterable, Mapping
from io import StringIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from runner.errors import in_lines
from runner.process.signals import Terminated

PARTS = ("train/", "val/", "test/")
SHOWN = tuple(part + kind for part in PARTS for kind in ("loss", "accuracy"))


class PipeConsole(Console):
    """A console that shows what a store says, and whose reader may go away.

    Characters that a terminal would obey, in names and values, are written as escapes. A reader that goes
    away (``… | head``) stops a run as a signal does.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(in_lines(segment.text), segment.style)

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
