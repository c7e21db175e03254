"""Ctrl-C and SIGTERM: both end a run as exceptions, so that it can be closed in the store."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(BaseException):
    """SIGTERM has arrived."""


def raise_on_signals() -> None:
    """Raise KeyboardInterrupt or Terminated on the first signal, and ignore more while things are closed."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    for each in SIGNALS:
        signal.signal(each, stop)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait until the context is left; only the main thread can and needs to hold them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    previous = {each: signal.signal(each, lambda number, frame: arrived.append(number)) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
        if arrived:
            signal.raise_signal(arrived[0])
