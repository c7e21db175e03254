"""Training several things side by side, each in a thread with its share of the cores.

Threads serve better here than processes: torch's operators run without Python's lock, the data is there
already, and nothing has to be imported or sent, where a process would need seconds before its first step.
"""

from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from threading import Event, Thread

import torch


class Stopped(BaseException):
    """Whoever trains shall stop; no failure, so no ``Exception``."""


class Stop:
    """A wish that training ends, seen by all threads before their next batch.

    Args:
        also: another, which is heeded too.
    """

    def __init__(self, also: "Stop | None" = None) -> None:
        self._wished = Event()
        self._also = also

    def wish(self) -> None:
        """Ask all to stop."""
        self._wished.set()

    @property
    def is_wished(self) -> bool:
        """Whether training shall end."""
        return self._wished.is_set() or (self._also is not None and self._also.is_wished)

    def heed(self) -> None:
        """Stop if asked to.

        Raises:
            Stopped: if so.
        """
        if self.is_wished:
            raise Stopped


def run_in_lanes(tasks: Iterable[Callable[[], None]], lanes: int, threads: int, stop: Stop) -> None:
    """Do tasks in ``lanes`` threads, each of which uses ``threads`` of torch's own.

    Returns when all are done or, once ``stop`` is wished for, when all have noticed. A task that raises
    anything but ``Stopped`` stops the others; that is raised here.
    """
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()
    for task in tasks:
        waiting.put(task)
    lanes = min(lanes, waiting.qsize())
    failures: list[BaseException] = []

    def next_task() -> Callable[[], None] | None:
        try:
            return waiting.get_nowait()
        except Empty:
            return None

    def lane() -> None:
        torch.set_num_threads(threads)
        try:
            while not stop.is_wished and (task := next_task()):
                task()
        except Stopped:
            return
        except BaseException as error:  # raised below, by who waits
            failures.append(error)
            stop.wish()

    workers = [Thread(target=lane, name=f"lane {number}", daemon=True) for number in range(lanes)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(0.1)  # so that a signal is noticed
    except BaseException:
        stop.wish()
        for worker in workers:
            worker.join()
        raise
    if failures:
        raise failures[0]
