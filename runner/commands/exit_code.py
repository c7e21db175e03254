"""How a program ends: what went wrong is told in a line, and becomes an exit code.

0 done, 1 failed, 2 a wrong command line or config, 128 + n stopped by signal n.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from runner.errors import ConfigError, RunnerError, in_lines
from runner.process.masking import masked
from runner.process.signals import Terminated

FULL_ERROR = "HYDRA_FULL_ERROR"
"""The environment's word for tracebacks."""


NEEDED = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "start where you may write",
    errno.EACCES: "give yourself permission, or start where you have it",
    errno.ENOTDIR: "a file stands where a folder is needed",
}
"""What is to be done where the disk refuses."""


def told_by_disk(error: OSError) -> str:
    """What the disk refuses, in a line: where, why, and what is needed."""
    place = Path(error.filename).absolute() if isinstance(error.filename, str) else Path.cwd() / "outputs"
    return f"{place}: {disk_needs(error)}"


def disk_needs(error: OSError) -> str:
    """Why the disk refuses, and what is needed."""
    needed = f": {NEEDED[error.errno]}" if error.errno in NEEDED else ""
    return f"{error.strerror or error}{needed}"


def shows_tracebacks() -> bool:
    """Whether the user wants to see tracebacks."""
    return os.environ.get(FULL_ERROR, "0") not in ("", "0")


def exit_code(action: Callable[[], int], shows_traceback: bool) -> int:
    """Do something; however it ends becomes an exit code, and what went wrong is told."""
    try:
        return action()
    except (KeyboardInterrupt, Terminated) as stop:
        for note in getattr(stop, "__notes__", []):  # what to do next
            print(note, file=sys.stderr)
        return 128 + (stop.number if isinstance(stop, Terminated) else signal.SIGINT)
    except Exception as error:
        from runner.config.compose import CONFIG_ERRORS, explain  # imports hydra

        if isinstance(error, (*CONFIG_ERRORS, ValueError)):  # Hydra's, of flags that don't go together
            problem = ConfigError([explain(error)])
            problem.__cause__ = error
            return tell(problem, shows_traceback)
        return tell(error, shows_traceback)


def tell(error: Exception, shows_traceback: bool) -> int:
    """Print an error to stderr and return its exit code; a traceback only for what no user can mend."""
    if shows_traceback or not isinstance(error, RunnerError | OSError):
        told = "".join(traceback.format_exception(error)).rstrip()
    else:
        told = told_by_disk(error) if isinstance(error, OSError) else str(error)
    print(in_lines(masked(told, *sys.argv[1:])), file=sys.stderr)
    return 2 if isinstance(error, ConfigError) else 1
