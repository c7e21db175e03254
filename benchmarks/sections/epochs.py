"""Seconds an epoch of one model, by each program that trains it."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.compiler import NAMES, find_compiler
from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.programs.task import LR, Timing
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, flat, interleave, ratio
from benchmarks.sections.section import Section, Setup, verdict, with_spread


@dataclass(frozen=True)
class Program:
    """A file in ``benchmarks/programs`` and what is known of it.

    Attributes:
        name: the file's.
        title: for the table.
        package: what it needs beyond torch.
        compiles: whether it needs a C++ compiler.
    """

    name: str
    title: str
    package: str | None = None
    compiles: bool = False

    def missing(self) -> str | None:
        """What keeps it from running here."""
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed"
        if self.compiles and find_compiler() is None:
            return f"no C++ compiler ({', '.join(NAMES)})"
        return None


RUNNER = Program("runner_fit", "runner")
LIGHTNING = Program("lightning_fit", "Lightning, DataLoader", package="lightning")
DATALOADER = Program("torch_dataloader", "plain PyTorch, DataLoader")
IN_MEMORY = Program("torch_in_memory", "plain PyTorch, batches in memory")
EAGER = Program("article_eager", "the article's listings, eager Python")
LIBTORCH = Program("article_libtorch", "the article's listings, C++ over LibTorch", compiles=True)
JAX = Program("jax_scan", "JAX, scan over the epoch", package="jax")
FLOOR = Program("matmul_floor", "the step's matrix products alone")

Targets = Mapping[Program, float | None]
"""The greatest ratio runner/program that is wanted; None where nothing was asked for."""

MLP_TARGETS: Targets = {
    LIGHTNING: 0.25,
    DATALOADER: 0.5,
    IN_MEMORY: None,
    EAGER: 0.65,
    LIBTORCH: 0.7,
    JAX: 1.0,
    FLOOR: 1.25,
}
SMALL_TARGETS: Targets = {IN_MEMORY: 1.0, LIGHTNING: None}


@dataclass(frozen=True)
class Race:
    """One model on one device: who runs, and how far ahead of each the runner is to be."""

    model: str
    targets: Targets
    device: str = "cpu"

    def __call__(self, setup: Setup) -> Findings:
        """Run the rounds."""
        data = setup.mnist()
        absent = {program: program.missing() for program in self.targets}
        present = [RUNNER, *(program for program, reason in absent.items() if reason is None)]
        failures: dict[Program, str] = {}

        def turn(program: Program) -> Timing:
            arguments = {"model": self.model, "data": data, "epochs": setup.epochs, "threads": setup.threads}
            given = [f"--{name}={value}" for name, value in {**arguments, "device": self.device}.items()]
            command = ["-m", f"benchmarks.programs.{program.name}", *given]
            hidden = {} if self.device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
            _, stdout = run_python(command, threads=setup.threads, folder=CHECKOUT, **hidden)
            timing = Timing(**last_json(stdout))
            setup.say(f"{program.title}: {Spread.of(timing.seconds).median:.3f} s/epoch")
            return timing

        found = interleave(present, setup.rounds, turn, failures.__setitem__)
        without = {program: f"skipped: {reason}" for program, reason in absent.items() if reason}
        without |= dict.fromkeys(failures, "failed")
        return Findings(
            tables=(self.table(found, without),),
            notes=self.notes,
            failures={program.title: reason for program, reason in failures.items()},
            samples={
                program.name: [asdict(timing) for timing in timings] for program, timings in found.items()
            },
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What all programs have in common."""
        return (
            f"Batches of 128 (the last 96), momentum `v = 0.9 v + 0.1 g; p -= {LR[self.model]} v`, one epoch "
            "to warm up that is not timed.",
            "The loss is the mean over the last epoch's batches, as trained; it shows whether all programs "
            "learn the same thing.",
        )

    def table(self, found: Mapping[Program, Sequence[Timing]], without: Mapping[Program, str]) -> Table:
        """A row a program: those that ran, and why the others did not."""
        ours = [timing.seconds for timing in found.get(RUNNER, ())]
        rows = []
        for program in (RUNNER, *self.targets):
            if program in without:
                rows.append((program.title, without[program], *[""] * 5))
            else:
                limit = self.targets.get(program)
                rows.append((program.title, *cells(found[program], ours, limit, program is RUNNER)))
        columns = ("program", "s/epoch", "compiling, s", "loss", "runner / program", "target", "reached")
        return Table(columns=columns, rows=tuple(rows))


def cells(
    timings: Sequence[Timing], ours: Sequence[Sequence[float]], limit: float | None, is_ours: bool
) -> tuple[str, ...]:
    """A program's row, without its title."""
    theirs = [timing.seconds for timing in timings]
    compiling = [timing.compile_seconds for timing in timings if timing.compile_seconds is not None]
    losses = [timing.losses[-1] for timing in timings if timing.losses]
    measured = (
        with_spread(Spread.of(flat(theirs))),
        f"{Spread.of(compiling).median:.1f}" if compiling else "",
        f"{Spread.of(losses).median:.4f}" if losses else "",
    )
    if is_ours or not ours:
        return (*measured, "", "", "")
    quotient = ratio(ours, theirs)
    return (*measured, with_spread(quotient, 2), *verdict(quotient.median, limit))


MNIST = Section("MNIST, 784-128-10", Race("mlp", MLP_TARGETS))
LENET = Section("MNIST, LeNet-5", Race("lenet", SMALL_TARGETS))
LSTM = Section("MNIST row by row, LSTM with 128 hidden units", Race("lstm", SMALL_TARGETS))
