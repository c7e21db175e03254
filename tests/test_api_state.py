"""A run computes the same whatever its caller has set, and leaves all of that as it was."""

import logging
import os
import random
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import runner
from runner.process.own_state import own_state

QUICK = ["data=blobs", "train.epochs=1", "tracking.log_model=false", "tracking.pictures=false"]


def numbers(seed: int = 0) -> list[float]:
    result = runner.run([*QUICK, f"seed={seed}"])
    measured = result.epochs[-1].metrics
    return [measured["train/loss"], measured["test/loss"], result.final["final/train_loss"]]


def state() -> dict[str, Any]:
    """What a caller could notice."""
    return {
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "defaults": (torch.get_default_dtype(), torch.get_default_device()),
        "autocast": torch.is_autocast_enabled("cpu"),
        "threads": torch.get_num_threads(),
        "torch": torch.get_rng_state().tolist(),
        "python": random.getstate(),
        "numpy": repr(np.random.get_state()),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "loggers": [(each.level, list(each.handlers)) for each in map(logging.getLogger, (None, "runner"))],
        "levels": [logging.getLogger(name).level for name in ("urllib3.connectionpool", "alembic")],
        "warnings": list(warnings.filters),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
    }


@contextmanager
def everything_set() -> Iterator[None]:
    """A caller who has set all that can be set."""
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.device("meta"), torch.autocast("cpu", torch.bfloat16):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_run_computes_the_same_in_any_state_and_leaves_it_as_it_was(in_tmp_path: Path) -> None:
    expected = numbers()
    logging.getLogger("urllib3.connectionpool").setLevel(logging.DEBUG)
    with everything_set():
        before = state()
        assert numbers() == expected
        assert state() == before
    with torch.no_grad():
        assert numbers() == expected
        assert not torch.is_grad_enabled()
    logging.getLogger("urllib3.connectionpool").setLevel(logging.NOTSET)


def test_runs_in_several_threads_compute_what_they_compute_alone(in_tmp_path: Path) -> None:
    found: dict[int, list[float]] = {}

    def run(seed: int) -> None:
        found[seed] = numbers(seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {1: numbers(1), 2: numbers(2)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_computes_with_one_thread(capfd: pytest.CaptureFixture[str]) -> None:
    many = torch.get_num_threads()
    torch.ones(500, 500).matmul(torch.ones(500, 500))  # its threads stay behind
    if os.fork() == 0:
        with own_state():
            alone = torch.get_num_threads() == 1
            total = torch.ones(500, 500).matmul(torch.ones(500, 500)).sum().item()
        os._exit(0 if alone and total == 500**3 else 1)
    assert os.wait()[1] == 0
    assert torch.get_num_threads() == many
