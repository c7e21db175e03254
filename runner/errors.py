"""Errors that are the user's to mend: told in a line or two, without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class RunnerError(Exception):
    """Something went wrong that the user can do something about; exit code 1."""


class ConfigError(RunnerError):
    """The config or command line is wrong, one problem a line; found before anything runs, exit code 2."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = [in_a_line(problem) for problem in problems]
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[list[str]]]:
        return type(self), (self.problems,)  # from one process to another as it was made


class DataError(RunnerError):
    """The data cannot be had or is not what it should be."""


class TrackingError(RunnerError):
    """The tracking store cannot be reached, made or written."""


class CheckpointError(RunnerError):
    """A checkpoint can't be read, or is not what was written."""


class DivergedError(RunnerError):
    """The loss is no longer a finite number."""


def in_a_line(text: str) -> str:
    """A text whose control characters, which a value may hold, are written as escapes."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def first_line(error: BaseException) -> str:
    """What an exception says, in a line."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def unknown(path: str, name: object, known: Iterable[str], what: str = "unknown") -> str:
    """One problem's line for a name that isn't there: what was said, the nearest name, all names.

    >>> unknown("optim.type", "momentun", ["sgd", "momentum"])
    "optim.type: unknown 'momentun'. Did you mean 'momentum'? Known: momentum, sgd"
    """
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"{path}: {what} '{name}'.{hint} Known: {', '.join(names) or 'none'}"
