"""Importing much at once."""

import atexit
import contextlib
import gc
import sys
from collections.abc import Iterator
from functools import cache


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Import torch and mlflow without garbage collections, then or later.

    They make 660,000 objects that live as long as the process. To go through all of them again and again,
    the last time at exit, takes two seconds and finds nothing. What exists when the context is first left is
    never looked at again; what a job makes is, so a sweep's jobs leave nothing behind.
    """
    gc.disable()
    try:
        yield
    finally:
        freeze()
        gc.enable()


@cache
def freeze() -> None:
    """Leave out what exists now; once, and whatever the interpreter has left out already (3.12 begins so)."""
    gc.freeze()
    atexit.register(thaw)


def thaw() -> None:
    """Let the interpreter collect at exit what triton has made, which else complains of it on stderr.

    Torch imports it with its compiler, as for an optimiser of ``torch.optim``.
    """
    if "triton" in sys.modules:
        gc.unfreeze()
