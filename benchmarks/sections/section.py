"""What a section of the benchmarks is: a function from a setup to findings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Findings
from benchmarks.rounds import Spread

IDX_FILES = tuple(
    f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


class NotMeasuredError(Exception):
    """A section can't be measured here; the message says why."""


@dataclass(frozen=True)
class Setup:
    """What the command line asks for.

    Attributes:
        rounds: turns that each program has.
        epochs: timed epochs a turn.
        threads: that compute.
        data: the folder that holds ``MNIST/raw``.
        work: a folder to write into, gone afterwards.
        say: tells of progress.
    """

    rounds: int
    epochs: int
    threads: int
    data: Path
    work: Path
    say: Callable[[str], None]

    def mnist(self) -> Path:
        """The data's folder.

        Raises:
            NotMeasuredError: if MNIST is not in it.
        """
        missing = [name for name in IDX_FILES if not (self.data / "MNIST" / "raw" / name).exists()]
        if missing:
            raise NotMeasuredError(f"the data folder (--data) has no MNIST/raw/{missing[0]}")
        return self.data.absolute()


@dataclass(frozen=True)
class Section:
    """A title for the page and how to measure."""

    title: str
    measure: Callable[[Setup], Findings]


def with_spread(spread: Spread, digits: int = 3) -> str:
    """``0.240 (0.236 to 0.251)``."""
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


def verdict(measured: float, limit: float | None) -> tuple[str, str]:
    """The cells for a target and whether it was reached."""
    if limit is None:
        return "", ""
    return f"at most {limit:.3g}", "yes" if measured <= limit else "no"
