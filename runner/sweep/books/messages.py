"""What the process that trains a sweep and the one that keeps its books tell each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.config.plain import Plain
from runner.process.launch import Launch
from runner.sweep.record import JobResult
from runner.sweep.report.report import Report
from runner.tracking.data_input import DataInput
from runner.tracking.finished import FinishedRun, InterruptedRun
from runner.tracking.outcome import Failure, Status
from runner.tracking.saved_model import SavedModel


@dataclass(frozen=True)
class Start:
    """The sweep: its folder, what all its jobs' configs share, the sweep that it continues, if it does."""

    folder: Path
    plain: Plain
    resume: str | None


@dataclass(frozen=True)
class Opened:
    """A job begins.

    Attributes:
        job: its number.
        overrides: as typed.
        plain: its resolved config.
        launch: its folder and name.
        tags: what else its run is tagged with.
        records: YAML files for its folder, by their places in it, as plain values.
        time: milliseconds since 1970.
        data: what it learns from, if it comes to that.
        run_id: the run that goes on, if it was begun in an earlier sweep; its folder is the launch's.
    """

    job: int
    overrides: Sequence[str]
    plain: Plain
    launch: Launch
    tags: Mapping[str, str]
    records: Mapping[Path, object]
    time: int
    data: DataInput | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Measured:
    """Metrics of one step, of one or of several jobs."""

    metrics: Mapping[int, Mapping[str, float]]
    step: int
    time: int


@dataclass(frozen=True)
class Ended:
    """A job has ended.

    Attributes:
        result: what it came to.
        failure: why, if not well.
        log: its log.
        time: milliseconds since 1970.
        model: what it has learnt, if that is to be kept.
        files: others for its run: what is in them, by their places among its own.
    """

    result: JobResult
    failure: Failure | None
    log: str
    time: int
    model: SavedModel | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Find:
    """Which of these configs have a FINISHED run: in the experiment, or in the sweep that is continued."""

    hashes: Sequence[str]
    in_sweep: bool


@dataclass(frozen=True)
class Found:
    """The answer.

    Attributes:
        runs: each config's FINISHED run, by the config's hash.
        interrupted: likewise runs of the sweep that is continued whose end was not their own.
        failed: the hashes of those that FAILED there.
        home: that sweep's folder, if it is on this machine.
    """

    runs: Mapping[str, FinishedRun]
    interrupted: Mapping[str, InterruptedRun] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    home: Path | None = None


@dataclass(frozen=True)
class Written:
    """A job that has ended is in the store, as ``result`` says."""

    result: JobResult


@dataclass(frozen=True)
class Lost:
    """The store cannot be written any more; ``reason`` is a line."""

    reason: str


@dataclass(frozen=True)
class Hurry:
    """Somebody waits for what has been told."""


@dataclass(frozen=True)
class Close:
    """Nothing more comes; what is open is KILLED."""


@dataclass(frozen=True)
class Closed:
    """Everything is written that could be."""


@dataclass(frozen=True)
class Conclude:
    """The sweep has ended, so its report can be written: the last message, after ``Close``."""

    status: Status
    results: Sequence[JobResult]


ToBooks = Start | Opened | Measured | Ended | Find | Hurry | Close | Conclude
FromBooks = Found | Written | Lost | Closed | Report
