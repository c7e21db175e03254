"""Tasks side by side: all are done, or whatever ends them ends them all."""

import queue
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from threading import Barrier, Event

import pytest
import torch

from runner.errors import DataError
from runner.process.signals import Terminated
from runner.sweep.planning.lanes import Stop, Stopped, run_in_lanes


def keep_on(stop: Stop, batches: list[int]) -> None:
    """A training that never ends by itself."""
    while True:
        stop.heed()
        batches.append(1)
        time.sleep(0.001)


@pytest.mark.parametrize("lanes", [1, 2, 5])
def test_every_task_is_done_once(lanes: int) -> None:
    done: list[int] = []
    run_in_lanes([partial(done.append, number) for number in range(20)], lanes, 1, Stop())
    assert sorted(done) == list(range(20))


def test_one_lane_keeps_the_order() -> None:
    done: list[int] = []
    run_in_lanes([partial(done.append, number) for number in range(20)], 1, 1, Stop())
    assert done == list(range(20))


def test_lanes_run_side_by_side() -> None:
    together = Barrier(3, timeout=10)
    run_in_lanes([lambda: (together.wait(), None)[1]] * 3, 3, 1, Stop())


def test_there_are_no_more_lanes_than_tasks() -> None:
    names: list[str] = []
    run_in_lanes([lambda: names.append(threading.current_thread().name)], 4, 1, Stop())
    assert names == ["lane 0"]
    run_in_lanes([], 4, 1, Stop())


@pytest.mark.parametrize("threads", [1, 2])
def test_each_lane_has_the_threads_that_are_asked_for(threads: int) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    together = Barrier(2, timeout=10)

    def look() -> None:
        together.wait()
        seen.append(torch.get_num_threads())

    run_in_lanes([look, look], 2, threads, Stop())
    assert seen == [threads, threads]
    assert torch.get_num_threads() == before, "nobody else's are changed"


@pytest.mark.parametrize(
    "error",
    [DataError("gone"), SystemExit(3), ZeroDivisionError(), queue.Empty()],
    ids=lambda error: type(error).__name__,
)
def test_a_task_that_raises_stops_the_others_and_is_raised(error: BaseException) -> None:
    stop, batches, not_begun = Stop(), [0], [0]
    begun = Event()

    def train() -> None:
        begun.set()
        keep_on(stop, batches)

    def fail() -> None:
        begun.wait(10)
        raise error

    tasks: list[Callable[[], None]] = [train, fail, lambda: not_begun.append(1)]
    with pytest.raises(type(error)) as raised:
        run_in_lanes(tasks, 2, 1, stop)
    assert raised.value is error
    assert not_begun == [0]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lane")]


def test_a_wish_stops_all_before_their_next_batch() -> None:
    stop = Stop()
    batches: list[list[int]] = [[], []]
    not_begun: list[int] = []

    def wish() -> None:
        while not all(batches):
            time.sleep(0.001)
        stop.wish()

    threading.Thread(target=wish).start()
    tasks = [partial(keep_on, stop, each) for each in batches]
    run_in_lanes([*tasks, partial(not_begun.append, 1)], 2, 1, stop)
    assert all(batches)
    assert not_begun == []


def test_nothing_begins_once_a_stop_is_wished_for() -> None:
    stop, done = Stop(), [0]
    stop.wish()
    run_in_lanes([partial(done.append, 1)], 1, 1, stop)
    assert done == [0]


def test_a_stop_heeds_another_too_but_not_the_other_way_round() -> None:
    outer = Stop()
    inner = Stop(outer)
    inner.heed()
    inner.wish()
    outer.heed()
    with pytest.raises(Stopped):
        inner.heed()
    other = Stop(outer)
    outer.wish()
    with pytest.raises(Stopped):
        other.heed()


@pytest.mark.parametrize("error", [KeyboardInterrupt, Terminated])
def test_a_signal_stops_all_lanes_before_it_is_raised(error: type[BaseException]) -> None:
    stop, batches = Stop(), [0]

    def raise_it(number: int, frame: object) -> None:
        raise error

    def train() -> None:
        signal.raise_signal(signal.SIGUSR1)
        keep_on(stop, batches)

    before = signal.signal(signal.SIGUSR1, raise_it)
    try:
        with pytest.raises(error):
            run_in_lanes([train], 1, 1, stop)
    finally:
        signal.signal(signal.SIGUSR1, before)
    seen = len(batches)
    time.sleep(0.02)
    assert len(batches) == seen, "the lane has ended"
