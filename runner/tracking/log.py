"""A run's log file, and what is written into it."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from runner.errors import in_lines
from runner.process.masking import masked

LOG_NAME = "runner.log"

history = logging.getLogger("runner.history")
"""What a run does, for its log file alone: whatever the program around it logs to stays silent."""
history.setLevel(logging.INFO)
history.propagate = False


class Masked(logging.Formatter):
    """Lines without secrets, and without characters that a terminal obeys."""

    def format(self, record: logging.LogRecord) -> str:
        """As any formatter."""
        return in_lines(masked(super().format(record)))


class LogFile(logging.FileHandler):
    """A file whose lines are no reason to stop: where they can't be written, that is told once, in a line."""

    is_whole = True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Called where an exception is handled."""
        if self.is_whole:
            print(f"{self.baseFilename}: the log can't be written: {sys.exception()}", file=sys.stderr)
        self.is_whole = False


@contextlib.contextmanager
def run_log(path: Path, goes_on: bool = False) -> Iterator[None]:
    """Write the history, and what the runner warns of, to ``path`` while the context lasts.

    ``goes_on`` says that what is there already is the same run's.
    """
    handler = LogFile(path, mode="a" if goes_on else "w", encoding="utf-8", delay=True)
    handler.setFormatter(Masked("%(asctime)s %(levelname)s %(message)s"))
    loggers = (history, logging.getLogger("runner"))
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        with contextlib.suppress(OSError):  # it has been told
            handler.close()
