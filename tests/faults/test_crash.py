"""A crash at any operation on files, then ``sync`` and ``resume``: all is as if nothing had happened.

A sample of the points that ``python -m tests.faults.crash`` goes through; ``CRASH_SEED=7`` draws another.
"""

import os
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import Injected
from tests.faults.crash import KINDS, points_of, tried, undisturbed
from tests.faults.killing import Operation, Point
from tests.faults.remains import differences

SEED = int(os.environ.get("CRASH_SEED", "0"))

FAILED_ONCE = {
    "run": [("write", "artifacts/.artifact.uploading"), ("write", ".model/.tmp")],
    "sweep": [("write", "parent.json")],
    "one of a sweep": [],
}
"""Operations before which a crash once left something else behind."""

SPREAD = {"run": (1, 2), "sweep": (0, 1), "one of a sweep": (1, 0)}
"""How many points are drawn from all, and from those after the first model, which was easily had twice."""


def sample(kind: str, operations: Sequence[Operation]) -> list[Point]:
    """Points that failed once, and some from equal parts of all and of those after the first model."""
    drawn = random.Random(SEED)
    points = points_of(operations)
    model = next(each.number for each in operations if "/models/" in each.path)
    late = [point for point in points if point.number > model]
    failed = [first(operations, *each) for each in FAILED_ONCE[kind]]
    among_all, near_the_end = SPREAD[kind]
    return [*failed, *spread(points, among_all, drawn), *spread(late, near_the_end, drawn)]


def spread(points: Sequence[Point], count: int, drawn: random.Random) -> list[Point]:
    """One from each of so many equal parts."""
    size = len(points)
    parts = [range(size * part // count, size * (part + 1) // count) for part in range(count)]
    return [points[drawn.choice(part)] for part in parts]


def first(operations: Sequence[Operation], kind: str, path: str) -> Point:
    return Point(next(each.number for each in operations if each.kind == kind and path in each.path))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_on_with_after_a_crash_at_any_operation_on_files_is_as_if_nothing_had_happened(
    kind: str, tmp_path: Path, injected: Injected
) -> None:
    """Rows, parameters, tags, statuses, models, versions, artifacts, files."""
    expected = undisturbed(KINDS[kind], tmp_path / "undisturbed")
    points = sample(kind, expected.operations)
    print(f"CRASH_SEED={SEED}", *points)
    for point in points:
        outcome = tried(KINDS[kind], point, tmp_path / str(point), expected.found)
        assert outcome.problems == [], (str(point), outcome.operation, outcome.said)
    injected(len(points))


def test_what_differs_is_named() -> None:
    expected = {"run": {"status": "FINISHED", "rows": [("loss", 1, 0.5), ("loss", 2, 0.25)]}}
    assert differences(expected, expected) == []
    found = {"run": {"status": "RUNNING", "rows": [("loss", 1, 0.5), ("loss", 1, 0.5)]}, "versions": 2}
    assert differences(found, expected) == [
        "/run/rows: 2 of 2, too much [], lacks [('loss', 2, 0.25)]",
        "/run/status: 'RUNNING' instead of 'FINISHED'",
        "/versions: 2 instead of None",
    ]
