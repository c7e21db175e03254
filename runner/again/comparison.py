"""What two runs have measured, value by value."""

import math
from dataclasses import dataclass

Rows = dict[tuple[int, str], float]
"""Values by the epoch and the metric's name."""

NOT_COMPARED = ("time/", "system/", "evaluate/")
"""What no two runs have in common, and what was measured after the run: how the names begin."""

AT_END = ("best/", "final/")
"""What is measured once, after the last epoch."""


@dataclass(frozen=True)
class Difference:
    """A value that is not the same.

    Attributes:
        epoch: after which it was measured.
        name: the metric's.
        then: what it was.
        now: what it is; None if it was not measured.
    """

    epoch: int
    name: str
    then: float
    now: float | None

    def __str__(self) -> str:
        now = "is not there" if self.now is None else f"{self.now!r} now"
        return f"{self.name} at epoch {self.epoch}: {self.then!r} then, {now}"

    @property
    def share(self) -> float:
        """How large it is beside the value; infinite if there is nothing to compare."""
        if self.now is None or not math.isfinite(self.then - self.now) or self.then == 0:
            return math.inf
        return abs((self.now - self.then) / self.then)


def compared(rows: Rows) -> Rows:
    """The values that two runs can have in common."""
    return {key: value for key, value in rows.items() if not key[1].startswith(NOT_COMPARED)}


def last_epoch(rows: Rows) -> int:
    """How far a run has come."""
    return max((epoch for epoch, _ in rows), default=0)


def verdict(then: Rows, now: Rows) -> tuple[bool, str]:
    """Whether all that a run had measured comes out the same, and a line that says so, or what does not.

    A run that did not go as far as the other does is held against it as far as it went.
    """
    goes_further = last_epoch(now) > last_epoch(then)
    end = None if goes_further else last_epoch(then)  # a run that has trained on had another end before
    held = {key: value for key, value in then.items() if not key[1].startswith(AT_END) or key[0] == end}
    found = differences(held, now)
    if not found:
        far = ", as far as it went" if goes_further else ""
        return True, f"same to the bit{far}: {last_epoch(then)} epochs, {len(held)} values"
    most = max(difference.share for difference in found)
    number = f"{len(found)} of {len(held)} values differ, by {most:.2g} of theirs at most"
    return False, f"not the same: {found[0]}; {number}"


def differences(then: Rows, now: Rows) -> list[Difference]:
    """Where a run is not what it was, in the order of epochs and names.

    Args:
        then: what it has measured.
        now: what it measures.
    """
    return [
        Difference(epoch, name, then[epoch, name], now.get((epoch, name)))
        for epoch, name in sorted(then)
        if not same(then[epoch, name], now.get((epoch, name)))
    ]


def same(then: float, now: float | None) -> bool:
    """Whether two values are the same; NaN is the same as NaN."""
    return then == now or (now is not None and math.isnan(then) and math.isnan(now))
