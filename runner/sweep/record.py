"""What a sweep's jobs came to: one line a job in the sweep's folder, whichever process ran it."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from runner.errors import ConfigError
from runner.process.atomic import private
from runner.sweep.callback import RESULTS
from runner.tracking.finished import FinishedRun
from runner.tracking.journal import whole_lines
from runner.tracking.outcome import Status
from runner.tracking.used_data import UsedData

PRUNED = "pruned"
"""The tag of a run that a pruner ended; its value is the epoch."""


@dataclass(frozen=True)
class JobResult:
    """How one job ended.

    Attributes:
        job: its number in the sweep, from 0.
        overrides: as typed.
        status: as in the store; RUNNING only in what is told of a sweep meanwhile.
        reason: why it ended so, if not well.
        run_id: its run in the store.
        objective: the final value of the config's ``objective``.
        metrics: those of the last epoch, and those told once at the end.
        curve: the objective after each epoch.
        pruned: the epoch after which a pruner ended it; None if none did.
        data: what it has used; None if it did not come to that.
    """

    job: int
    overrides: Sequence[str]
    status: Status
    reason: str | None = None
    run_id: str | None = None
    objective: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    curve: Sequence[float] = ()
    pruned: int | None = None
    data: UsedData | None = None

    @property
    def outcome(self) -> str:
        """Its status, PRUNED if a pruner ended it: its objective is not that of a whole training."""
        return self.status if self.pruned is None else "PRUNED"


def add_result(folder: Path, result: JobResult) -> None:
    """Append a job's line, in place of half a one that somebody who was killed has left."""
    path = folder / RESULTS
    with FileLock(folder / f".{RESULTS}.lock"), open(path, "ab+", opener=private) as file:
        end = file.tell()
        if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
            file.truncate(whole_lines(path))
        file.write((json.dumps(asdict(result)) + "\n").encode())


def read_results(folder: Path) -> list[JobResult]:
    """All jobs that have ended, in the order of their numbers; of one that was begun anew the last end.

    Raises:
        ConfigError: if a line holds something else.
    """
    path = folder / RESULTS
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    results = [result_in(line, place) for place, line in enumerate(lines, 1) if line.endswith(b"\n")]
    return sorted({result.job: result for result in results}.values(), key=lambda result: result.job)


def result_in(line: bytes, place: int) -> JobResult:
    """A job's result from a line, and the line's number."""
    try:
        return results_type().validate_json(line, strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        where = f", {key}" if key else ""
        raise ConfigError([f"{RESULTS}: line {place}{where}: {problem['msg']}"]) from error


@cache
def results_type() -> TypeAdapter[JobResult]:
    """Checks results' types; made when one is read, which takes a moment."""
    return TypeAdapter(JobResult)


def found(job: int, overrides: Sequence[str], run: FinishedRun, objective: str) -> JobResult:
    """What a job came to that need not be run, since its config has a run already."""
    return JobResult(
        job,
        overrides,
        "FINISHED",
        run_id=run.run_id,
        objective=run.metrics.get(objective),
        metrics=run.metrics,
        curve=run.curve,
        data=run.data,
    )
