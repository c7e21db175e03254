"""What tracking costs a 20-epoch MNIST run, with SQLite and with an MLflow server on the same machine."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave
from benchmarks.sections.section import NotMeasuredError, Section, Setup, with_spread
from benchmarks.server import mlflow_server

EPOCHS = 20
LEFT: tuple[Literal["saving", "drawing"], ...] = ("saving", "drawing")
"""What a run leaves at its end, which no share holds."""

LIMIT = 0.05
"""The greatest share of the wall time that is wanted."""

UNTRACKED, SQLITE, SERVER = "without tracking", "SQLite", "MLflow server"
SAVED, DRAWN = "SQLite, model saved too", "SQLite, pictures drawn too"


class Turn(TypedDict):
    """What ``tracked_run`` says of a run: seconds in all, in the tracker, in what it leaves; its losses."""

    wall: float
    calls: float
    saving: float
    drawing: float
    losses: list[float]


def measure(setup: Setup) -> Findings:
    """Run the same training in each way, interleaved."""
    data = setup.mnist()
    with mlflow_server(setup.work, setup.threads) as address:
        sqlite = f"sqlite:///{setup.work}/mlflow.db"
        ways = {
            UNTRACKED: [],
            SQLITE: [f"--uri={sqlite}"],
            SERVER: [f"--uri={address}"],
            SAVED: [f"--uri={sqlite}", "--save"],
            DRAWN: [f"--uri={sqlite}", "--draw"],
        }

        def run(way: str, epochs: int) -> Turn:
            given = [f"--data={data}", f"--threads={setup.threads}", f"--epochs={epochs}", *ways[way]]
            command = ["-m", "benchmarks.programs.tracked_run", *given]
            _, stdout = run_python(command, threads=setup.threads, folder=CHECKOUT)
            turn: Turn = last_json(stdout)
            return turn

        def turn(way: str) -> Turn:
            found = run(way, EPOCHS)
            setup.say(f"{way}: {found['wall']:.2f} s, {found['calls']:.3f} s of it in the tracker")
            return found

        for way in (SQLITE, SERVER):
            run(way, epochs=1)  # makes store and experiment, not timed
        failures: dict[str, str] = {}
        found = interleave(list(ways), setup.rounds, turn, failures.__setitem__)
    if UNTRACKED not in found:
        raise NotMeasuredError(failures[UNTRACKED])
    samples = {way: [dict(turn) for turn in turns] for way, turns in found.items()}
    return Findings(tables=(table(found),), notes=NOTES, failures=failures, samples=samples)


def table(found: Mapping[str, Sequence[Turn]]) -> Table:
    """A row a way of tracking."""
    untracked = [turn["wall"] for turn in found[UNTRACKED]]
    rows = [(UNTRACKED, with_spread(Spread.of(untracked), 2), *[""] * 6)]
    rows += [(way, *cells(found[way], untracked)) for way in (SQLITE, SERVER, SAVED, DRAWN) if way in found]
    columns = (
        "20 epochs", "s", "more, share", "in calls, share", "target", "reached",
        "saving the model, s", "drawing the pictures, s",
    )  # fmt: skip
    return Table(columns=columns, rows=tuple(rows))


def cells(turns: Sequence[Turn], untracked: Sequence[float]) -> tuple[str, ...]:
    """A way's row, without its name: its time, its share by difference and by calls, and what is wanted."""
    walls = [turn["wall"] - turn["saving"] - turn["drawing"] for turn in turns]
    wall = Spread.of(walls)
    more = (wall.median - Spread.of(untracked).median) / wall.median
    by_round = [(tracked - without) / tracked for tracked, without in zip(walls, untracked, strict=True)]
    calls = Spread.of([turn["calls"] / tracked for turn, tracked in zip(turns, walls, strict=True)])
    saving, drawing = (Spread.of([turn[what] for turn in turns]) for what in LEFT)
    return (
        with_spread(wall, 2),
        f"{more:.1%} ({min(by_round):.1%} to {max(by_round):.1%})",
        f"{calls.median:.1%} ({calls.low:.1%} to {calls.high:.1%})",
        f"at most {LIMIT:.0%}",
        "yes" if max(more, calls.median) <= LIMIT else "no",
        with_spread(saving, 2) if saving.high else "",
        with_spread(drawing, 2) if drawing.high else "",
    )


NOTES = (
    f"`model=mlp data=mnist optim=momentum optim.lr=0.3`, {EPOCHS} epochs, on the CPU. The time runs from "
    "the call `runner.run([...])` to its result: composing, reading the data, training, evaluating, "
    "tracking. Imports are done before it in every row, MLflow's too. Saving the model and drawing the "
    "pictures are in no share; they stand in the last columns, the import of matplotlib with the pictures.",
    "`more, share`: how much longer than the same program without a tracker, as a part of the whole. What "
    "the thread that writes metrics takes away from the training is in it. `in calls, share`: what the main "
    "thread spends in the tracker's functions, opening and ending the run included. The target is reached "
    "when both are within it.",
    "The server (one worker, SQLite behind it) is up in all rows; stores and experiments are there before.",
)

TRACKING = Section("Tracking's share of the wall time (MNIST, 20 epochs)", measure)
