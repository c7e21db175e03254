"""A run inside somebody else's process: it sees torch as if it were fresh, and leaves everything as it was.

Gradients switched off, another default type or device, autocast: each would change what is computed, or stop
it. Random states, the environment and the filters of warnings are the caller's and are put back.
"""

import logging
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch

from runner.process.forks import Forks
from runner.process.library_warnings import ignore_warnings_of_libraries

log = logging.getLogger(__name__)

QUIETED = ("urllib3.connectionpool", "mlflow.store.db.utils", "alembic")
"""Loggers whose levels a store's client sets."""


@contextmanager
def own_state() -> Iterator[None]:
    """The context of a run that a caller has started; another thread's run waits until this one is over."""
    with Forks.one_at_a_time, caller_restored(), ExitStack() as modes:
        if Forks.happened and torch.get_num_threads() > 1:
            log.warning("a forked process: training with one thread, torch's others stayed in its parent")
            torch.set_num_threads(1)
        torch.set_default_dtype(torch.float32)
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            modes.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                modes.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def caller_restored() -> Iterator[None]:
    """Put back what is one for the whole process."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    generators = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    levels = {name: logging.getLogger(name).level for name in QUIETED}
    environment = dict(os.environ)
    with warnings.catch_warnings():
        ignore_warnings_of_libraries()
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            random.setstate(generators[0])
            np.random.set_state(generators[1])
            torch.default_generator.set_state(generators[2])
            if on_gpus:
                torch.cuda.set_rng_state_all(on_gpus)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            restore_environment(environment)


def restore_environment(before: dict[str, str]) -> None:
    """Put back every variable that has been set, changed or removed."""
    for name in os.environ.keys() | before.keys():
        if name not in before:
            del os.environ[name]
        elif os.environ.get(name) != before[name]:
            os.environ[name] = before[name]
