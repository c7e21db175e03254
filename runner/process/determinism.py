"""The same bits each time: torch keeps to operators that add up in one order."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import torch
import torch.utils.deterministic as empty_memory

from runner.errors import RunnerError, first_line

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""NVIDIA's word for how cuBLAS divides its work, see ``torch.use_deterministic_algorithms``."""

REFUSED = "does not have a deterministic implementation"
"""What torch says of an operator that has no such form."""


class Switches(NamedTuple):
    """How torch's switches stand.

    Attributes:
        algorithms: whether an operator that is not deterministic raises,
        warn_only: or only warns.
        cudnn: whether cuDNN is to choose such ones.
        benchmark: whether it chooses the fastest by trying.
        fill: whether fresh memory is filled, for those who read what nobody has written.
        workspace: what the environment tells cuBLAS.
    """

    algorithms: bool
    warn_only: bool
    cudnn: bool
    benchmark: bool
    fill: bool
    workspace: str | None

    def turn(self) -> None:
        """Have them stand so."""
        torch.use_deterministic_algorithms(self.algorithms, warn_only=self.warn_only)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = self.cudnn, self.benchmark
        empty_memory.fill_uninitialized_memory = self.fill  # type: ignore[attr-defined]  # set behind its back
        if self.workspace is None:
            os.environ.pop(WORKSPACE, None)
        else:
            os.environ[WORKSPACE] = self.workspace


def now() -> Switches:
    """How they stand now."""
    return Switches(
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        empty_memory.fill_uninitialized_memory,  # type: ignore[attr-defined]
        os.environ.get(WORKSPACE),
    )


class Wishes:
    """How many trainings want determinism at this moment: the switches are the whole process's."""

    def __init__(self) -> None:
        self._lock, self._count = Lock(), 0

    def begin(self) -> None:
        """One more; the first turns the switches."""
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._before = now()
                Switches(True, False, True, False, False, os.environ.get(WORKSPACE, ":4096:8")).turn()

    def end(self) -> None:
        """One less; the last puts the switches back."""
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self._before.turn()


WISHES = Wishes()


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Keep torch to deterministic operators for a while, if that is wanted.

    Raises:
        RunnerError: where an operator has no such form.
    """
    if not wanted:
        yield
        return
    WISHES.begin()
    try:
        yield
    except RuntimeError as error:
        if REFUSED not in str(error):
            raise
        operator = first_line(error).partition(" ")[0]
        raise RunnerError(
            f"train.deterministic: torch has no deterministic form of {operator} here. "
            "Use another layer or device, or false"
        ) from error
    finally:
        WISHES.end()
