"""Ctrl-C, SIGTERM, a closed terminal: each ends a run as an exception, so that the store hears of it."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Terminated(BaseException):
    """A signal other than Ctrl-C's has arrived; ``number`` says which."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)

    def __reduce__(self) -> tuple[type["Terminated"], tuple[int]]:
        return type(self), (self.number,)  # from one process to another as it was made


def raise_on_signals() -> None:
    """Raise KeyboardInterrupt or Terminated on the first signal.

    The second is ignored while things are closed, the third ends the process at once. A signal that
    whoever started the program has set to be ignored (``nohup``, a background job) stays ignored.
    """

    def handle_with(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
        for each in SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, handler)

    def first(number: int, frame: FrameType | None) -> None:
        handle_with(second)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    def second(number: int, frame: FrameType | None) -> None:
        handle_with(signal.SIG_DFL)

    handle_with(first)


def raise_when_requeued() -> None:
    """Raise Terminated where submitit, its job being preempted, has it start anew and would just exit."""
    theirs = signal.getsignal(signal.SIGUSR2)
    if not callable(theirs):
        return  # no process of submitit's

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            theirs(number, frame)
        except SystemExit as error:
            raise Terminated(number) from error

    signal.signal(signal.SIGUSR2, handle)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait until the context is left; only the main thread can and needs to hold them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    previous = {each: signal.getsignal(each) for each in SIGNALS}
    for each, handler in previous.items():
        if handler is not signal.SIG_IGN:
            signal.signal(each, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
        if arrived:
            signal.raise_signal(arrived[0])
