"""What a checkpoint each epoch costs an MNIST epoch."""

from typing import TypedDict

from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread
from benchmarks.sections.section import Section, Setup, with_spread

PAIRS = 40
"""Epochs of each kind, a round."""

LIMIT = 0.03
"""The greatest share of an epoch that is wanted."""

Turn = TypedDict("Turn", {"with": list[float], "without": list[float], "writes": list[float]})
"""What ``checkpointed_fit`` says of a round."""


def measure(setup: Setup) -> Findings:
    """Some rounds of epochs with and without, one after the other in one process."""
    data = setup.mnist()
    turns: list[Turn] = []
    for number in range(setup.rounds):
        given = [f"--data={data}", f"--pairs={PAIRS}", f"--threads={setup.threads}"]
        command = ["-m", "benchmarks.programs.checkpointed_fit", *given, f"--folder={setup.work}"]
        _, stdout = run_python(command, threads=setup.threads, folder=CHECKOUT)
        turns.append(last_json(stdout))
        setup.say(f"round {number + 1}: {cost(turns[-1]):.1%} of an epoch")
    return Findings(tables=(table(turns),), notes=NOTES, samples=turns)


def cost(turn: Turn) -> float:
    """How much longer an epoch takes with a checkpoint, as a share of one without: the pairs' middle."""
    pairs = zip(turn["with"], turn["without"], strict=True)
    return Spread.of([written / plain - 1 for written, plain in pairs]).median


def table(turns: list[Turn]) -> Table:
    """A row of all rounds."""
    times = [Spread.of([s for turn in turns for s in turn[kind]]) for kind in ("without", "with")]
    share = Spread.of([cost(turn) for turn in turns])
    cells = (
        "MNIST, mlp, momentum",
        *(with_spread(each) for each in times),
        f"{share.median:.1%} ({share.low:.1%} to {share.high:.1%})",
        f"at most {LIMIT:.0%}",
        "yes" if share.median <= LIMIT else "no",
    )
    return Table(columns=("an epoch", "without, s", "with, s", "more", "target", "reached"), rows=(cells,))


NOTES = (
    f"`train.checkpoint_every=1` against `null`: {PAIRS} pairs of epochs a round, one of each kind right "
    "after the other in one process. A share is the median of a round's pairs; the table has that of all "
    "rounds, and the least and greatest of any. Parameters and velocity are 0.8 MB, written, synced and "
    "hashed in a thread.",
)

CHECKPOINTS = Section("What a checkpoint each epoch costs (MNIST)", measure)
