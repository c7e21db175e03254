"""How runs end."""

import traceback
from dataclasses import dataclass
from typing import Literal

from runner.errors import RunnerError

Status = Literal["FINISHED", "FAILED", "KILLED", "RUNNING"]
"""MLflow's words for how a run has ended, or that it has not."""


@dataclass(frozen=True)
class Failure:
    """Why a run did not end well: in a line or two, and as Python tells it."""

    reason: str
    trace: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """An exception as a failure."""
        return cls(reason_of(error), "".join(traceback.format_exception(error)))


def status_of(error: BaseException | None) -> Status:
    """What a run is that ended with an exception, or without one: signals kill, all else fails."""
    if error is None:
        return "FINISHED"
    return "FAILED" if isinstance(error, Exception | SystemExit) else "KILLED"


def reason_of(error: BaseException) -> str:
    """Why a run ended, in a line or two."""
    if isinstance(error, RunnerError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
