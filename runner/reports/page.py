"""What pages of runs and sweeps have in common: how they stand, when, and their pictures."""

from dataclasses import dataclass
from datetime import datetime

REPEATS = "python -m runner rerun={run}"
"""The command that repeats a run, wherever its store is the one that is used."""


WIDE = 900
"""Pixels."""


@dataclass(frozen=True)
class Picture:
    """A picture on a page.

    Attributes:
        title: above it.
        told: how it is to be read, if that needs to be said.
        png: the file.
    """

    title: str
    told: str
    png: bytes

    @property
    def is_wide(self) -> bool:
        """Whether it wants the page's whole width: more pixels than half of that has."""
        return int.from_bytes(self.png[16:20]) > WIDE  # where a PNG tells its width


def moment(milliseconds: int | None) -> str:
    """A time in the store, as this machine's clocks show it; nothing if it has not come."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def duration(start: int | None, end: int | None) -> str:
    """How long something took, given in milliseconds since 1970; nothing if it has not ended."""
    if start is None or end is None:
        return ""
    seconds = (end - start) / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
