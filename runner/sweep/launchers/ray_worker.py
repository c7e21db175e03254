"""What a Ray task does: it trains a block of jobs and streams what there is to tell to who started it."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread

import torch

from runner.errors import ConfigError
from runner.process.launch import Launch
from runner.sweep.books.messages import ToBooks
from runner.sweep.datasets import Datasets
from runner.sweep.jobs import Job, Problem, make_job
from runner.sweep.kept_blocks import blocks_of
from runner.sweep.planning.lanes import Stop
from runner.sweep.planning.plan import Mode
from runner.sweep.points.cells import Cell
from runner.sweep.progress import Progress
from runner.sweep.train import carry_out, plan

INTERVAL = 0.5
"""Seconds for which messages are gathered before they travel."""


@dataclass(frozen=True)
class Order:
    """A job as it is sent: the worker builds its parts, on the device that it has."""

    cell: Cell
    launch: Launch


@dataclass(frozen=True)
class Terms:
    """What a worker is told beside its jobs.

    Attributes:
        folder: where the sweep was started: relative paths are meant from there, if there is such a folder.
        threads: how many torch may use.
        mode: how the user wants jobs trained.
        fail_fast: whether a failing job stops the others.
    """

    folder: Path
    threads: int
    mode: Mode
    fail_fast: bool


class Outbox:
    """Takes messages from the threads that train, for the one that sends them."""

    def __init__(self) -> None:
        self._messages: SimpleQueue[ToBooks | None] = SimpleQueue()

    def tell(self, message: ToBooks) -> None:
        """Take a message."""
        self._messages.put(message)

    def close(self) -> None:
        """Nothing more comes."""
        self._messages.put(None)

    def batches(self) -> Iterator[list[ToBooks]]:
        """What has been told, in the order told, until the box is closed."""
        is_open = True
        while is_open:
            batch = self._gather()
            is_open = batch[-1] is not None
            yield [message for message in batch if message is not None]

    def _gather(self) -> list[ToBooks | None]:
        batch = [self._messages.get()]
        until = time.monotonic() + INTERVAL
        while batch[-1] is not None:
            try:
                batch.append(self._messages.get(timeout=max(0.0, until - time.monotonic())))
            except Empty:
                break
        return batch


class Unseen:
    """A display that nobody looks at."""

    def epoch(self, job: int, name: str, number: int, epochs: int, objective: float) -> None:
        """Nothing."""


@cache
def datasets() -> Datasets:
    """What this process has read: Ray gives it one task after another."""
    return Datasets()


def work(orders: Sequence[Order], terms: Terms) -> Iterator[list[ToBooks]]:
    """Train jobs; gives what the books are to be told, as it comes."""
    outbox = Outbox()
    failures: list[BaseException] = []

    def train_all() -> None:
        try:
            train_orders(orders, terms, outbox)
        except BaseException as error:  # raised below
            failures.append(error)
        finally:
            outbox.close()

    trainer = Thread(target=train_all, name="trainer", daemon=True)
    trainer.start()
    yield from outbox.batches()
    trainer.join()
    if failures:
        raise failures[0]


def train_orders(orders: Sequence[Order], terms: Terms, outbox: Outbox) -> None:
    """Train jobs as a launch on one machine would."""
    if terms.folder.is_dir():
        os.chdir(terms.folder)
    torch.set_num_threads(terms.threads)
    stop = Stop()
    progress = Progress(outbox, Unseen(), None, stop, terms.fail_fast)
    jobs: list[Job] = []
    for order in orders:
        try:
            jobs.append(make_job(order.cell, order.launch))
        except ConfigError as error:  # what is possible where it was checked need not be so here
            progress.reject(Problem(order.cell, order.launch, error))
    plans = plan(jobs, datasets(), terms.mode, progress, stop)
    with TemporaryDirectory() as folder:  # a block whose worker is lost is trained anew
        carry_out(blocks_of(plans, Path(folder)), datasets(), progress, stop)
