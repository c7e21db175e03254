"""Hydra tells the folder of a sweep only to its callbacks; this one remembers it."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from runner.tracking.process import this_process

if TYPE_CHECKING:
    from runner.sweep.books.ledger import Ledger  # which needs to know of what is below

PARENT, RESULTS = "parent.json", "results.jsonl"
"""What a sweep keeps in its folder: which run its jobs are children of, and what they came to."""

STARTER = "RUNNER_SWEEP_STARTER"
"""The environment's word for the process that has started a sweep, where jobs run in others."""


class SweepFolder(Callback):
    """The sweep that this process started.

    Attributes:
        path: its folder; None if there is none.
        open: what has to be closed when its last job has ended.
        ledger: its books, if they are kept in another process.
    """

    path: ClassVar[Path | None] = None
    open: ClassVar[ExitStack] = ExitStack()
    ledger: "ClassVar[Ledger | None]" = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Called by Hydra before the first job: forget what an earlier sweep left in the same folder."""
        folder = Path(config.hydra.sweep.dir).absolute()
        for name in (PARENT, RESULTS):
            (folder / name).unlink(missing_ok=True)
        os.environ[STARTER] = str(this_process())
        type(self).path, type(self).ledger = folder, None
