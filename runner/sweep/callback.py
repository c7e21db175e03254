"""Hydra tells the folder of a sweep only to its callbacks; this one remembers it."""

from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class SweepFolder(Callback):
    """The folder of the sweep that this process started, or None."""

    path: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Called by Hydra before the first job."""
        type(self).path = Path(config.hydra.sweep.dir).absolute()
