"""Crashes at each operation on files: what is there after ``sync`` and ``resume`` is what is there without.

``python -m tests.faults.crash run`` (or ``sweep``, or ``'one of a sweep'``) goes through all operations, of
writes half done ones too; further words choose some: ``37``, ``37.5`` for half of it, ``::20`` for each
twentieth.
"""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from runner.tracking.store import make_sqlite_store
from tests import warm
from tests.faults.killing import Operation, Point, crash
from tests.faults.remains import Place, differences

TRAINING = ("optim=momentum", "train.checkpoint_every=1", "tracking.log_model=true", "tracking.register=net",
            "train.epochs=3", "model=mlp", "data=iris", "data.val=0.2", "hydra.run.dir=outputs/runs/one",
            "hydra.sweep.dir=outputs/sweeps/one", "device=cpu")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A command line, how it is gone on with, and who of it dies.

    Attributes:
        arguments: the command line.
        alone: whether of its processes only the one dies that is about to change a file.
    """

    arguments: tuple[str, ...]
    alone: bool = False

    @property
    def is_sweep(self) -> bool:
        return "-m" in self.arguments

    def go_on(self, place: Place) -> list[str]:
        """Send what waits, and go on with what is there: with what has not come to the store, anew."""
        said = [place.start("sync")] if (place.folder / "outputs").is_dir() else []
        runs = place.runs()
        first = [run for run in runs if "job" not in run.data.tags]
        if first and first[0].info.status != "FINISHED":
            run_id = first[0].info.run_id
            words = ("-m", f"sweep.resume={run_id}") if self.is_sweep else ("resume", run_id)
            said.append(place.start(*words))
        elif not first:
            said.append(place.start(*self.arguments))
        if any((place.folder / "outputs").rglob("events.jsonl")):
            said.append(place.start("sync"))
        return [
            f"{' '.join(each.args)}: {each.returncode} {each.stdout[-400:]} {each.stderr[-3000:]}"
            for each in said
        ]


SWEEP = ("-m", *TRAINING, "optim.lr=0.1,0.2,0.3", "sweep.mode=3")
KINDS = {
    "run": Kind((*TRAINING, "train.metrics=[confusion_matrix]", "tracking.pictures=true")),
    "sweep": Kind(SWEEP),
    "one of a sweep": Kind(SWEEP, alone=True),
}


def prepared(folder: Path) -> Place:
    """A folder with a store that is ready."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "outputs").mkdir(parents=True)
    shutil.copy(store(), folder / "outputs" / "mlflow.db")
    return Place(folder)


@cache
def store() -> Path:
    path = Path(mkdtemp(prefix="crash-")) / "mlflow.db"
    make_sqlite_store(path)
    return path


@dataclass(frozen=True)
class Undisturbed:
    """What is there without a crash, and the operations that it took."""

    found: dict[str, Any]
    operations: list[Operation]


def undisturbed(kind: Kind, folder: Path) -> Undisturbed:
    """What is there when nothing is killed, and which operations there are."""
    place = prepared(folder)
    done = crash(folder, kind.arguments, Point(0))
    assert done.ended.returncode == 0, done.ended.stderr
    return Undisturbed(place.found(), done.operations)


def points_of(operations: Sequence[Operation]) -> list[Point]:
    """Before each operation, and amid those that can be done by half."""
    points: list[Point] = []
    for before, each in zip([None, *operations], operations, strict=False):
        if each.kind == "fsync" or (before and (before.kind, before.path) == ("copy", each.path)):
            continue  # nothing has happened since
        points.append(Point(each.number))
        if each.kind in ("write", "copy"):
            points.append(Point(each.number, half=True))
    return points


@dataclass(frozen=True)
class Outcome:
    """What came of a crash: the operation that was not done, what was said, what is not as it should be."""

    point: Point
    operation: Operation | None
    said: list[str]
    problems: list[str]


def tried(kind: Kind, point: Point, folder: Path, expected: dict[str, Any]) -> Outcome:
    """What is wrong after a command line was killed at a point, and gone on with."""
    place = prepared(folder)
    done = crash(folder, kind.arguments, point, kind.alone)
    said = [f"crash: {done.ended.returncode} {done.ended.stderr[-1000:]}", *kind.go_on(place)]
    problems = [line for line in said if "Traceback" in line]
    try:
        problems += differences(place.found(), expected)
    except AssertionError as error:
        problems.append(str(error))
    return Outcome(point, done.operations[0] if done.operations else None, said, problems)


def main(words: Sequence[str]) -> int:
    """Go through the points of a kind."""
    name, *chosen = words
    kind, base = KINDS[name], Path(os.environ.get("CRASH_FOLDER") or mkdtemp(prefix="crash-"))
    expected = undisturbed(kind, base / "undisturbed")
    (base / "operations").write_text("\n".join(map(str, expected.operations)))
    points, failed = points_of(expected.operations), 0
    for word in chosen:
        if ":" in word:
            points = points[slice(*(int(each) if each else None for each in word.split(":")))]
        else:
            points = [point for point in points if str(point) in chosen]
    started = time.monotonic()
    for point in points:
        outcome = tried(kind, point, base / str(point), expected.found)
        what = outcome.operation
        print(f"{point} {f'{what.kind} {what.path}' if what else 'not reached'}", flush=True)
        if outcome.problems:
            failed += 1
            print("  failed:", *outcome.problems, sep="\n    ")
            print("  said:", *outcome.said, sep="\n    ", flush=True)
        else:
            shutil.rmtree(base / str(point))  # what has failed is left to be looked at
    seconds = (time.monotonic() - started) / max(1, len(points))
    print(f"{len(points)} points, {failed} failed, {seconds:.2f} s each")
    warm.stop()
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
