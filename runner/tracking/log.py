"""A run's log file, and what is written into it."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

LOG_NAME = "runner.log"

history = logging.getLogger("runner.history")
"""What a run does, for its log file alone: whatever the program around it logs to stays silent."""
history.setLevel(logging.INFO)
history.propagate = False


@contextlib.contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write the history, and what the runner warns of, to ``path`` while the context lasts."""
    handler = logging.FileHandler(path, mode="w", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = (history, logging.getLogger("runner"))
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()
