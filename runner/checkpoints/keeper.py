"""Which checkpoints of a training are written, and when: the best and the newest, off the training thread."""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

from runner.checkpoints.file import REST, checkpoints_in, leftovers, name_of, remove, write
from runner.process.signals import uninterrupted
from runner.training.snapshot import Snapshot

log = logging.getLogger(__name__)

NEWEST = 2
"""How many are kept beside the best: the newest, and the one before, should that be damaged."""


class Keeper:
    """A context in which a training is shown epoch by epoch; left in any way, it writes the last state.

    A checkpoint that can't be written (the disk is full) is told of, and tried again at the next turn: it is
    no reason to stop.

    Args:
        folder: where they go.
        every: epochs between two (an int), seconds (a float), or None: none is ever written.
        about: whose they are: written into each.

    Attributes:
        about: it may be another after each epoch.
    """

    def __init__(self, folder: Path, every: float | None, about: Mapping[str, Any]) -> None:
        self.folder, self._every, self.about = folder, every, about
        self._latest: Snapshot | None = None
        self._written: int | None = None
        self._trouble: str | None = None
        self._best = 0
        self._writer: Thread | None = None
        self._last_time = time.monotonic()

    def __enter__(self) -> "Keeper":
        return self

    def show(self, snapshot: Snapshot, best: int) -> None:
        """The state after an epoch; ``best`` is the number of the best so far."""
        self._latest, self._best = snapshot, best
        if self._is_due(snapshot.epoch) and not (self._writer and self._writer.is_alive()):
            self._written, self._last_time = snapshot.epoch, time.monotonic()
            self._writer = Thread(
                target=self._write, args=(snapshot, self.about), name="checkpoint", daemon=True
            )
            self._writer.start()

    def _is_due(self, epoch: int) -> bool:
        if isinstance(self._every, int):
            return epoch % self._every == 0
        return self._every is not None and time.monotonic() - self._last_time >= self._every

    def forget(self) -> None:
        """There is nothing left to go on with."""
        self._latest = None

    def _write(self, snapshot: Snapshot, about: Mapping[str, Any]) -> None:
        try:
            path = write(self.folder, snapshot, about)
            self._prune(path, about)
        except OSError as error:
            self._written = None
            self._tell(snapshot, error.strerror or str(error))
            with suppress(OSError):
                for unfinished in leftovers(self.folder):
                    unfinished.unlink(missing_ok=True)
        else:
            self._trouble = None

    def _tell(self, snapshot: Snapshot, trouble: str) -> None:
        """Warn of a checkpoint that can't be written, unless the one before couldn't for the same reason."""
        if trouble != self._trouble:
            needed = sum(tensor.nbytes for tensor in snapshot.tensors.values())
            log.warning(
                "no checkpoint of epoch %d in %s: %s (it takes %.3g MB); earlier ones are whole",
                snapshot.epoch,
                self.folder,
                trouble,
                needed / 1e6,
            )
        self._trouble = trouble

    def _prune(self, newest: Path, about: Mapping[str, Any]) -> None:
        """Remove what is older than needed, and what a crash has left; nothing of another run."""
        best = self.folder / f"{name_of(self._best, about)}{REST}"
        older = [path for path in checkpoints_in(self.folder, about) if path.name <= newest.name]
        for path in older[NEWEST:]:
            if path != best:
                remove(path)
        for unfinished in leftovers(self.folder):
            unfinished.unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            if self._writer is not None:
                self._writer.join()
            if self._every is not None and self._latest is not None and self._written != self._latest.epoch:
                self._write(self._latest, self.about)
