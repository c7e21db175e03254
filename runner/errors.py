"""Errors that are the user's to mend: told in a line or two, without a traceback."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

MUCH_ALIKE = 0.75
"""How much of two names is the same if one is likely a mistyped other; difflib's measure, between 0 and 1."""

LONG_ENOUGH = 4
"""Letters of a name that may be a part of another by more than chance."""


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


def in_lines(text: str) -> str:
    """The same for a text of several lines."""
    return text if text.isprintable() else "\n".join(map(in_a_line, text.split("\n")))


def first_line(error: BaseException) -> str:
    """What an exception says, in a line."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def unknown(
    path: str,
    name: object,
    known: Iterable[str],
    what: str = "unknown",
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """One problem's line for a name that isn't there: what was said, the nearest name, all names.

    ``elsewhere`` has names that mean something under another, longer one.

    >>> unknown("optim.type", "momentun", ["sgd", "momentum"])
    "optim.type: unknown 'momentun'. Did you mean 'momentum'? Known: momentum, sgd"
    >>> unknown("optim.type", "adamax", ["adam"], elsewhere={"Adamax": "torch.optim.Adamax"})
    "optim.type: unknown 'adamax'. Did you mean 'torch.optim.Adamax'? Known: adam"
    """
    names = sorted(known)
    near = nearest(str(name), names, elsewhere)
    hint = f" Did you mean '{near}'?" if near else ""
    return f"{path}: {what} '{name}'.{hint} Known: {', '.join(names) or 'none'}"


def nearest(
    said: str, names: Iterable[str], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The name that is most likely meant: spelled as this one, else much like it, else longer, else alike.

    >>> nearest("BatchNorm2d", ["batch_norm1d", "batch_norm2d"])
    'batch_norm2d'
    >>> nearest("attention", ["flatten", "multi_head_attention"])
    'multi_head_attention'
    """
    spelled = {spelling(name): name for name in names}
    others = {spelling(name): full for name, full in elsewhere.items()}
    wanted = spelling(said)
    if wanted in others and wanted not in spelled:
        return others[wanted]
    longer = [each for each in spelled if wanted in each] if len(wanted) >= LONG_ENOUGH else []
    near = (
        get_close_matches(wanted, spelled, 1, MUCH_ALIKE) or longer or get_close_matches(wanted, spelled, 1)
    )
    return spelled[near[0]] if near else None


def spelling(name: str) -> str:
    """A name without capitals and underscores."""
    return name.replace("_", "").lower()


def how_to_install(extra: str) -> str:
    """The command that installs an extra of ``pyproject.toml``: the runner is on no package index."""
    return f"in the runner's checkout: pip install -e '.[{extra}]'"
