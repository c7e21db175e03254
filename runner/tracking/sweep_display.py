"""What a person sees of many members that train: a live table on a terminal, elsewhere a line a member."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from threading import Lock
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from runner.objective import cost
from runner.tracking.console import PipeConsole

REFRESHES = 4
"""A second: epochs in between cost a few assignments each."""

RECENT = 5
"""Members whose latest news is shown."""


@dataclass(frozen=True)
class News:
    """The latest of one member; ``status`` is empty while it trains."""

    name: str
    epoch: int
    epochs: int
    objective: float
    status: str = ""


class SweepDisplay:
    """A context that shows members as they train; any thread may tell of any member.

    Args:
        objective: the metric that decides which member is best.
        console: where to show them; standard output unless said otherwise.
        clock: gives seconds.
    """

    def __init__(
        self,
        objective: str,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._objective = objective
        self._console = console or PipeConsole(highlight=False, soft_wrap=True)
        self._clock = clock
        self._lock = Lock()
        self._news: dict[int, News] = {}  # the newest last
        self._best: News | None = None
        self._ended: dict[str, int] = {}
        self._epochs_done = 0
        self.start(0, 0)
        self._live = Live(
            get_renderable=self.render, console=self._console, refresh_per_second=REFRESHES, transient=True
        )

    def __enter__(self) -> "SweepDisplay":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def start(self, members: int, epochs: int) -> None:
        """Training begins, and with it the time that is left.

        Args:
            members: how many there are.
            epochs: of all members together.
        """
        with self._lock:
            self._members, self._epochs = members, epochs
            self._epochs_of_unseen = epochs / max(members, 1)
            self._started = self._clock()

    def epoch(self, job: int, name: str, number: int, epochs: int, objective: float) -> None:
        """A member has done an epoch.

        Args:
            job: the member's number.
            name: what the member is called.
            number: of the epoch, from 1.
            epochs: that the member is to train.
            objective: after the epoch.
        """
        news = News(name, number, epochs, objective)
        with self._lock:
            before = self._news.pop(job, None)
            self._epochs_done += number - (before.epoch if before else 0)
            self._news[job] = news
            if self._best is None or self._cost(news) < self._cost(self._best):
                self._best = news

    def ended(self, job: int, name: str, outcome: str, line: str) -> None:
        """A member is through; off a terminal this prints ``<name>: <line>``.

        Args:
            job: the member's number.
            name: what the member is called.
            outcome: how it ended, a status or PRUNED; one other than FINISHED stands before the line.
            line: its numbers and run, or why it ended.
        """
        with self._lock:
            before = self._news.pop(job, None)
            done = before.epoch if before else 0
            planned = before.epochs if before else self._epochs_of_unseen
            self._epochs -= round(planned - done)  # which it will not train any more
            self._news[job] = News(name, done, round(planned), before.objective if before else 0, outcome)
            self._ended[outcome] = self._ended.get(outcome, 0) + 1
        if not self._console.is_terminal:
            told = f"{name}: {line}" if outcome == "FINISHED" else f"{name}: {outcome}: {line}"
            self._console.print(told, markup=False)

    def render(self) -> Group:
        """The table as it stands."""
        with self._lock:
            summary = Table.grid(padding=(0, 2))
            summary.add_row("members", self._counts())
            summary.add_row("epochs", self._progress())
            if self._best is not None:
                best = f"{self._best.name}  {self._value(self._best)} after epoch {self._best.epoch}"
                summary.add_row("best", Text(best, style="bold green", no_wrap=True, overflow="ellipsis"))
            recent = Table.grid(padding=(0, 2))
            recent.add_column(no_wrap=True, overflow="ellipsis")
            for news in islice(reversed(self._news.values()), RECENT):
                told = self._value(news) if news.status in ("", "FINISHED") else ""
                recent.add_row(
                    Text(news.name, style="dim" if news.status else ""),
                    f"epoch {news.epoch}/{news.epochs}",
                    told,
                    Text(news.status.lower(), style="dim" if news.status == "FINISHED" else "red"),
                )
        return Group(summary, recent)

    def _counts(self) -> str:
        ended = sum(self._ended.values())
        training = sum(not news.status for news in self._news.values())
        told = {"done": self._ended.get("FINISHED", 0), "training": training}
        told["pruned"] = self._ended.get("PRUNED", 0)
        told["failed"] = ended - told["done"] - told["pruned"]
        seldom = ("pruned", "failed")
        counts = ", ".join(f"{count} {what}" for what, count in told.items() if count or what not in seldom)
        return f"{counts} of {self._members}"

    def _progress(self) -> Table:
        row = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(self._epochs, 1), completed=self._epochs_done, width=30)
        row.add_row(bar, f"{self._epochs_done}/{self._epochs}", self._time_left())
        return row

    def _time_left(self) -> str:
        elapsed = self._clock() - self._started
        if not self._epochs_done or elapsed <= 0:
            return ""
        seconds = elapsed / self._epochs_done * max(self._epochs - self._epochs_done, 0)
        return f"{timedelta(seconds=round(seconds))} left"

    def _value(self, news: News) -> str:
        return f"{self._objective} {news.objective:.4g}"

    def _cost(self, news: News) -> float:
        return cost(self._objective, news.objective)
