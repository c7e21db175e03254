"""Start to finish of the first command that a user types, and where its time goes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from benchmarks.process import last_json, run_python
from benchmarks.programs.start_breakdown import STARTING
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave
from benchmarks.sections.section import NotMeasuredError, Section, Setup, with_spread

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
    """One start to finish: its seconds, and of the run with a stopwatch the seconds a phase."""

    seconds: float
    phases: Mapping[str, float]


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
        phases = last_json(stdout) if kind == PHASES else {}
        return Turn(seconds, phases | {ENDING: seconds - sum(phases.values())} if phases else {})

    failures: dict[str, str] = {}
    found = interleave([FLOOR, READY, FIRST, PHASES], setup.rounds, turn, failures.__setitem__)
    if FLOOR not in found or READY not in found:
        raise NotMeasuredError("; ".join(failures.values()))
    walls = {kind: [turn.seconds for turn in turns] for kind, turns in found.items()}
    training = training_seconds(ready)
    tables = [walls_table(walls, training)]
    if PHASES in found:
        tables.append(phases_table([turn.phases for turn in found[PHASES]]))
    return Findings(
        tables=tuple(tables),
        notes=NOTES,
        failures=failures,
        samples={
            "wall": walls,
            "training": training,
            "phases": [dict(turn.phases) for turn in found.get(PHASES, [])],
        },
    )


def training_seconds(folder: Path) -> list[float]:
    """What each run in a folder's store spent on its epochs, as it told the store itself."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")
    experiment = client.get_experiment_by_name("runner")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    histories = (client.get_metric_history(run.info.run_id, "time/epoch_seconds") for run in runs)
    return [sum(metric.value for metric in history) for history in histories]


def walls_table(walls: Mapping[str, Sequence[float]], training: Sequence[float]) -> Table:
    """Seconds from start to finish, and what they are measured against."""
    floor, trained = Spread.of(walls[FLOOR]), Spread.of(training)
    limit = LIMIT * floor.median + trained.median
    command = " ".join(("python", *COMMAND))
    rows = [
        (f'`python -c "{IMPORTS_ALONE[1]}"`', with_spread(floor, 2), "", "", ""),
        ("the training itself (20 epochs, `time/epoch_seconds`)", with_spread(trained, 2), "", "", ""),
    ]
    for kind in (READY, FIRST):
        if kind in walls:
            wall = Spread.of(walls[kind])
            times = f"{(wall.median - trained.median) / floor.median:.2f}"
            wanted = (f"at most {limit:.2f}", "yes" if wall.median <= limit else "no")
            target = wanted if kind == READY else ("", "")
            rows.append((f"`{command}` {kind}", with_spread(wall, 2), times, *target))
    columns = ("start to finish", "s", "without training, in imports", "target", "reached")
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
    f"Target: at most {LIMIT} times the imports alone, plus the training itself.",
    "The phases exclude one another; imports count as imports wherever they happen. The first and the last, "
    f"{STARTING} and {ENDING}, are seen from outside. The stopwatch looks at every import statement, so its "
    "runs take a little longer than the plain ones.",
)

START = Section("Start to finish of the first command (digits, 20 epochs)", measure)
