"""Start to finish of the first command that a user types, and where its time goes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from benchmarks.process import last_json, run_python
from benchmarks.programs.start_breakdown import STARTING
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave
from benchmarks.sections.section import NotMeasuredError, Section, Setup, verdict, with_spread

FLOOR, READY, FIRST, PHASES = "imports alone", "with a ready store", "in an empty folder", "with a stopwatch"
IMPORTS_ALONE = ("-c", "import torch, mlflow, hydra")
ARGUMENTS = ("model=mlp", "optim=momentum")
COMMAND = ("-m", "runner", *ARGUMENTS)
STOPWATCH = ("-m", "benchmarks.programs.start_breakdown", *ARGUMENTS)
LIMIT = 1.5
"""The greatest start to finish that is wanted: so many times the imports alone, and the training itself."""

ENDING = "ending Python"


@dataclass(frozen=True)
class Turn:
    """One start to finish.

    Attributes:
        seconds: from the process's start to its end.
        training: those that the run spent on its epochs, as its own ``time/epoch_seconds`` say.
        phases: where they went, of a run with a stopwatch.
    """

    seconds: float
    training: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)

    @property
    def rest(self) -> float:
        """What is not training."""
        return self.seconds - self.training


def measure(setup: Setup) -> Findings:
    """Time the real command as often as there are rounds, interleaved with the imports alone."""
    ready = setup.work / "ready"
    ready.mkdir()
    run_python(COMMAND, threads=setup.threads, folder=ready)  # makes the store, not timed

    def turn(kind: str) -> Turn:
        folder = Path(mkdtemp(dir=setup.work)) if kind == FIRST else ready
        command = {FLOOR: IMPORTS_ALONE, PHASES: STOPWATCH}.get(kind, COMMAND)
        now = str(time.time())
        seconds, stdout = run_python(command, threads=setup.threads, folder=folder, BENCHMARK_STARTED=now)
        setup.say(f"{kind}: {seconds:.2f} s")
        if kind == FLOOR:
            return Turn(seconds)
        phases = last_json(stdout) if kind == PHASES else {}
        ending = {ENDING: seconds - sum(phases.values())} if phases else {}
        return Turn(seconds, training_of_last_run(folder), phases | ending)

    failures: dict[str, str] = {}
    found = interleave([FLOOR, READY, FIRST, PHASES], setup.rounds, turn, failures.__setitem__)
    if FLOOR not in found:
        raise NotMeasuredError(failures[FLOOR])
    tables = [walls_table(found)]
    if PHASES in found:
        tables.append(phases_table([turn.phases for turn in found[PHASES]]))
    samples = {kind: [asdict(turn) for turn in turns] for kind, turns in found.items()}
    return Findings(tables=tuple(tables), notes=NOTES, failures=failures, samples=samples)


def training_of_last_run(folder: Path) -> float:
    """The seconds of all epochs of the newest run in a folder's store."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("runner")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], order_by=["start_time DESC"], max_results=1)
    return sum(metric.value for metric in client.get_metric_history(run.info.run_id, "time/epoch_seconds"))


def walls_table(found: Mapping[str, Sequence[Turn]]) -> Table:
    """Seconds from start to finish, and what they are measured against."""
    floor = Spread.of([turn.seconds for turn in found[FLOOR]])
    rows = [(f'`python -c "{IMPORTS_ALONE[1]}"`', with_spread(floor, 2), *[""] * 4)]
    for kind, limit in ((READY, LIMIT), (FIRST, None)):
        if kind in found:
            turns = found[kind]
            rest = median(turn.rest for turn in turns) / floor.median
            rows.append(
                (
                    f"`{' '.join(('python', *COMMAND))}` {kind}",
                    with_spread(Spread.of([turn.seconds for turn in turns]), 2),
                    with_spread(Spread.of([turn.training for turn in turns]), 2),
                    f"{rest:.2f}",
                    *verdict(rest, limit),
                )
            )
    columns = ("start to finish", "s", "training, s", "the rest, in imports", "target", "reached")
    return Table(columns=columns, rows=tuple(rows))


def phases_table(runs: Sequence[Mapping[str, float]]) -> Table:
    """The median of each phase, in the order in which a run goes through them."""
    names = dict.fromkeys(name for run in runs for name in run)
    seconds = {name: median(run.get(name, 0.0) for run in runs) for name in names}
    total = sum(seconds.values())
    rows = [(name, f"{value:.3f}", f"{value / total:.0%}") for name, value in seconds.items()]
    rows.append(("all phases", f"{total:.3f}", ""))
    caption = "Where it goes, with a ready store and a stopwatch around the runner's own functions:"
    return Table(caption=caption, columns=("phase", "s", "share"), rows=tuple(rows))


NOTES = (
    f"Target: the training itself and at most {LIMIT} times the imports alone. The training is the sum of "
    "the 20 epochs' `time/epoch_seconds`; the evaluation after each is in the rest.",
    "The phases exclude one another; imports count as imports wherever they happen. The first and the last, "
    f"{STARTING} and {ENDING}, are seen from outside. The stopwatch looks at every import statement, so its "
    "runs take a little longer than the plain ones.",
)

START = Section("Start to finish of the first command (digits, 20 epochs)", measure)
