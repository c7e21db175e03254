"""What a person sees of a run: the model, its progress, the numbers, where to look further."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from runner.build import Parts
from runner.nn.layers.sequential import Sequential
from runner.nn.store import ParameterStore
from runner.tracking.console import PARTS, PipeConsole, numbers
from runner.tracking.location import Location
from runner.training.loop import Epoch


class Display(Protocol):
    """Shows a run to somebody, or to nobody."""

    def training(self, name: str, parts: Parts, epochs: int, done: int) -> AbstractContextManager[object]:
        """The context in which a run trains; so many epochs are done already."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""

    def finish(self, last: Epoch, final: Mapping[str, float], location: Location) -> None:
        """The run has ended well."""


class Silent:
    """Shows nothing: for notebooks and tests."""

    def training(self, name: str, parts: Parts, epochs: int, done: int) -> AbstractContextManager[object]:
        """Nothing."""
        return nullcontext()

    def epoch(self, epoch: Epoch) -> None:
        """Nothing."""

    def finish(self, last: Epoch, final: Mapping[str, float], location: Location) -> None:
        """Nothing."""


class OneLine:
    """A line a run, when it has ended: for a sweep's jobs."""

    def __init__(self) -> None:
        self._name = ""

    def training(self, name: str, parts: Parts, epochs: int, done: int) -> AbstractContextManager[object]:
        """Nothing yet."""
        self._name = name
        return nullcontext()

    def epoch(self, epoch: Epoch) -> None:
        """Nothing yet."""

    def finish(self, last: Epoch, final: Mapping[str, float], location: Location) -> None:
        """Print the line."""
        print(f"{self._name}: {numbers(last.metrics)}  run {location.run_id}", flush=True)


class Terminal:
    """A summary, then a progress bar on a terminal or a plain line an epoch elsewhere, then the numbers."""

    def __init__(self) -> None:
        self._console = PipeConsole(highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("")
        self._epochs = 0

    def training(self, name: str, parts: Parts, epochs: int, done: int) -> AbstractContextManager[object]:
        """Print the model; the context is the progress bar's."""
        self._epochs = epochs
        self._console.print(name, style="bold", markup=False)
        self._console.print(summary(parts.model, parts.store))
        self._progress.update(self._bar, total=epochs, completed=done)
        if done:
            self._console.print(f"going on after epoch {done}", markup=False)
        return self._progress

    def epoch(self, epoch: Epoch) -> None:
        """Move the bar, or print a line."""
        if self._console.is_terminal:
            self._progress.update(self._bar, completed=epoch.number, description=numbers(epoch.metrics))
        else:
            self._console.print(describe(epoch, self._epochs), markup=False)

    def finish(self, last: Epoch, final: Mapping[str, float], location: Location) -> None:
        """Print the last and final numbers, the run's id and the command that opens the UI."""
        told = {name: value for name, value in last.metrics.items() if name.startswith(PARTS)} | dict(final)
        rows = [(name, f"{value:.6g}") for name, value in told.items()]
        for name, text in [*rows, ("run id", location.run_id), ("look at it with", location.how_to_look)]:
            self._console.print(f"{name:<21} {text}", markup=False)


SUMMARY_NAME = "model.txt"
"""The name of the file that it is in."""


def summary(model: Sequential, store: ParameterStore) -> Table:
    """A row a layer: its name, kind, output shape and number of parameters, which buffers are not."""
    table = Table("layer", "kind", "output", box=None, pad_edge=False)
    table.add_column("parameters", justify="right")
    for name, layer in model.layers.items():
        prefix = f"{name}."
        trained = (address for address in store.addresses.values() if address.trained)
        count = sum(address.size for address in trained if address.name.startswith(prefix))
        table.add_row(name, type(layer).__name__, str(list(layer.out_shape)), f"{count:,}" if count else "")
    table.add_row("total", "", "", f"{store.size:,}", style="bold")
    return table


def describe(epoch: Epoch, epochs: int) -> str:
    """An epoch in one plain line."""
    width = int(math.log10(epochs)) + 1
    seconds = epoch.metrics["time/epoch_seconds"]
    return f"epoch {epoch.number:>{width}}/{epochs}  {numbers(epoch.metrics)}  {seconds:.3g} s"
