"""A sweep from start to finish: the runner's, the same by Hydra's basic launcher, and a user's script."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import mean

from benchmarks import stored
from benchmarks.process import last_json, run_python
from benchmarks.programs.grid import BETAS, LRS, PER_SEED, axes
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave, ratio
from benchmarks.sections.section import NotMeasuredError, Section, Setup, verdict, with_spread

RUNNER, BASIC, SCRIPT = "runner", "runner, Hydra's basic launcher", "plain PyTorch + MLflow script"
LIMITS = {BASIC: 1 / 5, SCRIPT: 1 / 30}
"""The greatest ratios that are wanted."""


@dataclass(frozen=True)
class Turn:
    """One sweep.

    Attributes:
        seconds: from start to finish, of scripts scaled from those that ran to all cells.
        loss: the mean over the cells of the last epoch's training loss.
        runs: FINISHED ones with every metric, of a sweep; None for scripts.
    """

    seconds: float
    loss: float
    runs: int | None = None


@dataclass(frozen=True)
class Sweep:
    """The three ways through the same cells.

    Attributes:
        seeds: cells for each pair of learning rate and momentum.
        epochs: that each trains.
        scripts: how many of the cells the script runs.
    """

    seeds: int = 8
    epochs: int = 20
    scripts: int = PER_SEED

    @property
    def cells(self) -> int:
        """How many there are."""
        return PER_SEED * self.seeds

    @property
    def command(self) -> tuple[str, ...]:
        """What is typed after ``python``; 20 epochs need not be said."""
        epochs = [] if self.epochs == 20 else [f"train.epochs={self.epochs}"]
        return ("-m", "runner", "-m", "optim=momentum", *axes(self.seeds), *epochs)

    def __call__(self, setup: Setup) -> Findings:
        """Run the rounds; each sweep finds a store that is ready and empty."""
        ready = stored.make_store(setup.work)

        def turn(way: str) -> Turn:
            with stored.launch_folder(ready) as folder:
                found = self.run_scripts(setup, folder) if way == SCRIPT else self.run(setup, folder, way)
            setup.say(f"{way}: {found.seconds:.1f} s for {self.cells} cells")
            return found

        failures: dict[str, str] = {}
        found = interleave([RUNNER, BASIC, SCRIPT], setup.rounds, turn, failures.__setitem__)
        if RUNNER not in found:
            raise NotMeasuredError(failures[RUNNER])
        samples = {way: [asdict(turn) for turn in turns] for way, turns in found.items()}
        return Findings(tables=(self.table(found),), notes=self.notes, failures=failures, samples=samples)

    def run(self, setup: Setup, folder: Path, way: str) -> Turn:
        """One sweep by the runner."""
        command = [*self.command, *(["hydra/launcher=basic"] if way == BASIC else [])]
        seconds, _ = run_python(command, threads=setup.threads, folder=folder, CUDA_VISIBLE_DEVICES="")
        counted = stored.count(folder / stored.DATABASE, stored.only_results(folder))
        return Turn(seconds, counted.loss, counted.complete)

    def run_scripts(self, setup: Setup, folder: Path) -> Turn:
        """The script in so many processes, one after the other, on the first seed's cells."""
        seconds, losses = [], []
        for lr, beta in list(product(LRS, BETAS))[: self.scripts]:
            arguments = [f"--lr={lr}", f"--beta={beta}", f"--epochs={self.epochs}"]
            command = ["-m", "benchmarks.programs.plain_script", *arguments]
            took, stdout = run_python(command, threads=setup.threads, folder=folder, CUDA_VISIBLE_DEVICES="")
            seconds.append(took)
            losses.append(last_json(stdout))
        return Turn(mean(seconds) * self.cells, mean(losses))

    def table(self, found: Mapping[str, Sequence[Turn]]) -> Table:
        """A row a way."""
        ours = [[turn.seconds] for turn in found[RUNNER]]
        rows = []
        for way, turns in found.items():
            theirs = [[turn.seconds] for turn in turns]
            runs = [turn.runs for turn in turns if turn.runs is not None]
            compared = ("", "", "")
            if way != RUNNER:
                quotient = ratio(ours, theirs)
                compared = (with_spread(quotient, 3), *verdict(quotient.median, LIMITS[way]))
            rows.append(
                (
                    way,
                    with_spread(Spread.of([turn.seconds for turn in turns]), 1),
                    f"{min(runs)} of {self.cells}" if runs else "",
                    f"{Spread.of([turn.loss for turn in turns]).median:.4f}",
                    *compared,
                )
            )
        columns = ("start to finish", "s", "runs stored whole", "loss", "runner / this", "target", "reached")
        return Table(columns=columns, rows=tuple(rows))

    @property
    def notes(self) -> tuple[str, ...]:
        """How to read the table."""
        return (
            f"`python {' '.join(self.command)}`: {self.cells} cells on `digits`, {self.epochs} epochs each, "
            "tracked in a SQLite store that is there before; the same with `hydra/launcher=basic`, which "
            "runs one cell after the other in one process.",
            f"The script (`benchmarks/programs/plain_script.py`) is a process a cell; {self.scripts} of them "
            f"are run, one after the other, and their time is scaled to {self.cells}.",
            "Runs stored whole are FINISHED and have every metric of every epoch, counted in the database. "
            "The loss is the mean over the cells of the last epoch's training loss; the script's has its own "
            "split of the data, and the first seed alone.",
        )


SWEEP = Section("A sweep of 64 cells, start to finish (digits, 20 epochs)", Sweep())
