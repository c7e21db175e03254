"""A sweep's live table, and the lines that stand for it off a terminal."""

import io
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from runner.process.signals import Terminated
from runner.tracking.console import PipeConsole
from runner.tracking.sweep_display import RECENT, SweepDisplay


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def shown(display: SweepDisplay) -> list[str]:
    console = Console(file=io.StringIO(), width=100)
    console.print(display.render())
    return [line.rstrip() for line in text_of(console).splitlines()]


def display_of(objective: str = "test/loss", terminal: bool = False) -> tuple[SweepDisplay, Console, Clock]:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    clock = Clock()
    return SweepDisplay(objective, console, clock), console, clock


def test_the_table_tells_members_epochs_best_and_time_left() -> None:
    display, _, clock = display_of()
    display.start(members=3, epochs=30)
    clock.now = 6
    display.epoch(0, "a", 1, 10, 0.5)
    display.epoch(1, "b", 1, 10, 0.25)
    display.epoch(0, "a", 2, 10, 0.75)
    members, epochs, best, *recent = shown(display)
    assert members == "members  0 done, 2 training of 3"
    assert epochs.endswith("3/30 0:00:54 left")
    assert best == "best     b  test/loss 0.25 after epoch 1"
    assert recent == ["a  epoch 2/10  test/loss 0.75", "b  epoch 1/10  test/loss 0.25"], "the newest first"


def test_an_accuracy_is_best_when_largest_and_nan_never_is() -> None:
    display, *_ = display_of("test/accuracy")
    for job, value in enumerate((float("nan"), 0.5, 0.9, 0.7)):
        display.epoch(job, f"m{job}", 1, 1, value)
    assert "best     m2  test/accuracy 0.9 after epoch 1" in shown(display)


def test_epochs_that_a_failed_member_will_not_train_are_not_waited_for() -> None:
    display, _, clock = display_of()
    display.start(members=3, epochs=30)
    display.epoch(0, "a", 4, 10, 0.5)
    display.ended(0, "a", "FAILED", "it diverged")
    display.ended(1, "b", "FAILED", "before its first epoch")
    display.epoch(2, "c", 2, 10, 0.5)
    clock.now = 6
    members, epochs, *_ = shown(display)
    assert members == "members  0 done, 1 training, 2 failed of 3"
    assert epochs.endswith("6/14 0:00:08 left")


def test_the_latest_few_members_are_shown_and_how_they_ended() -> None:
    display, *_ = display_of()
    for job in range(20):
        display.epoch(job, f"m{job}", 1, 1, 0.5)
    display.ended(7, "m7", "FINISHED", "run x")
    recent = shown(display)[3:]
    assert len(recent) == RECENT
    assert recent[0] == "m7   epoch 1/1  test/loss 0.5  finished"


def test_nothing_is_told_before_anything_is_known() -> None:
    display, *_ = display_of()
    assert shown(display)[0] == "members  0 done, 0 training of 0"


def test_off_a_terminal_a_line_a_member() -> None:
    display, console, _ = display_of()
    with display:
        display.start(2, 2)
        display.epoch(0, "mlp [a] seed=0", 1, 1, 0.5)
        display.ended(0, "mlp [a] seed=0", "FINISHED", "train/loss 0.5  run 12")
        display.ended(1, "b", "FAILED", "epoch 1: train/loss is nan")
    assert text_of(console) == (
        "mlp [a] seed=0: train/loss 0.5  run 12\nb: FAILED: epoch 1: train/loss is nan\n"
    )


def test_on_a_terminal_a_table_that_is_gone_afterwards() -> None:
    display, console, _ = display_of(terminal=True)
    with display:
        display.start(1, 1)
        display.epoch(0, "a", 1, 1, 0.5)
        display.ended(0, "a", "FINISHED", "run 12")
    assert "members" in text_of(console)
    assert "run 12" not in text_of(console)
    assert text_of(console).rstrip("\r").endswith("\x1b[2K"), "its last line is erased"


def test_many_members_in_many_threads_cost_next_to_nothing() -> None:
    display, *_ = display_of(terminal=True)

    def train(jobs: Sequence[int]) -> None:
        for job in jobs:
            for epoch in range(1, 21):
                display.epoch(job, f"m{job}", epoch, 20, 1 / epoch)
            display.ended(job, f"m{job}", "FINISHED", "")

    started = time.process_time()
    with display:
        display.start(1000, 20_000)
        threads = [Thread(target=train, args=[range(first, 1000, 4)]) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert time.process_time() - started < 2
    members, epochs, *_ = shown(display)
    assert members == "members  1000 done, 0 training of 1000"
    assert "20000/20000" in epochs


class Closed(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_away_stops_the_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "stdout").open("w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)  # which rich redirects
        display = SweepDisplay("test/loss", PipeConsole(file=Closed()))
        with pytest.raises(Terminated):
            display.ended(0, "a", "FINISHED", "run 12")
