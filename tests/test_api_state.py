"""A run computes the same whatever its caller has set, and leaves all of that as it was."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlflow import MlflowClient

import runner
from runner.config.sqlite_uri import from_path
from runner.process.forks import is_fork
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


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not say who was forked")
def test_a_process_that_was_forked_before_the_runner_was_imported_is_known() -> None:
    assert not is_fork()
    if os.fork() == 0:
        os._exit(0 if is_fork() else 1)
    assert os.wait()[1] == 0


WORDS = ["data=blobs", "train.epochs=1"]
AS_LIBRARY = f"import runner; runner.run({WORDS})"
AS_PROGRAM = f"import sys, runner.__main__; sys.argv[1:] = {WORDS}; runner.__main__.main()"


@pytest.mark.slow
@pytest.mark.parametrize("program", [AS_LIBRARY, AS_PROGRAM])
def test_warnings_of_the_stores_libraries_end_no_run_where_warnings_are_errors(
    tmp_path: Path, program: str
) -> None:
    """In a process of its own: most are given once, when a library is imported."""
    begin = f"import warnings; warnings.simplefilter('error'); {program}"
    ended = subprocess.run(
        [sys.executable, "-c", begin], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "not in the store" not in ended.stderr
    (run,) = MlflowClient(from_path(tmp_path / "outputs" / "mlflow.db")).search_runs(["1"])
    assert run.info.status == "FINISHED"
