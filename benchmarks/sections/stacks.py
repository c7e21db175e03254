"""Training time of a sweep's members, without tracking: together as the runner chooses, alone, and by JAX."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mode

from benchmarks.process import CHECKOUT, last_json, run_python
from benchmarks.programs.grid import BETAS, DIGITS, LRS, PER_SEED, Trained
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave, ratio
from benchmarks.sections.epochs import Program
from benchmarks.sections.section import Section, Setup, verdict, with_spread

SWEEP = Program("stacked_fit", "runner, a sweep")
SOLO = Program("solo_fit", "runner, single runs")
VMAP = Program("jax_vmap", "JAX, vmap over all members", package="jax")
BLOCKS = Program("jax_vmap", "JAX, vmap over 16 members at a time", package="jax")
FLOOR = Program("grid_floor", "the steps' matrix products alone")


@dataclass(frozen=True)
class Rival:
    """Whom the sweep is compared with.

    Attributes:
        program: what it runs.
        limit: the greatest ratio sweep/rival that is wanted; None where nothing was asked for.
        side_by_side: the limit where the sweep finds it best to give each worker one thread.
        members: how many it trains, 0 for as many as the sweep.
        block: how many it computes at once, 0 for all.
        warm: whether epochs after the first are compared, not all of them together.
    """

    program: Program
    limit: float | None
    side_by_side: float | None = None
    members: int = 0
    block: int = 0
    warm: bool = False

    def limit_for(self, ours: Sequence[Trained]) -> float | None:
        """What is wanted of a sweep that trained like this."""
        workers = mode(trained.side_by_side for trained in ours)
        return self.side_by_side if workers and self.side_by_side is not None else self.limit

    def compared(self, rounds: Sequence[Trained]) -> list[list[float]]:
        """The seconds that make the ratio."""
        return [[trained.warm if self.warm else trained.seconds] for trained in rounds]


@dataclass(frozen=True)
class Members:
    """Members of one model, and who else trains them.

    Attributes:
        model: as ``grid`` knows it.
        members: how many.
        epochs: that each trains.
        rivals: for the table's other rows.
        limit: training samples, 0 for all.
    """

    model: str
    members: int
    epochs: int
    rivals: tuple[Rival, ...]
    limit: int = 0

    def __call__(self, setup: Setup) -> Findings:
        """Run the rounds."""
        data = setup.data if self.model == DIGITS else setup.mnist()
        absent = {rival.program: rival.program.missing() for rival in self.rivals}
        present = {SWEEP: Rival(SWEEP, None)}
        present |= {rival.program: rival for rival in self.rivals if absent[rival.program] is None}
        failures: dict[Program, str] = {}

        def turn(program: Program) -> Trained:
            rival = present[program]
            arguments = {
                "model": self.model,
                "members": rival.members or self.members,
                "epochs": self.epochs,
                "threads": setup.threads,
                "data": data,
                "limit": self.limit,
                "block": rival.block,
            }
            given = [f"--{name}={value}" for name, value in arguments.items()]
            command = ["-m", f"benchmarks.programs.{program.name}", *given]
            hidden = {"CUDA_VISIBLE_DEVICES": ""}
            _, stdout = run_python(command, threads=setup.threads, folder=CHECKOUT, **hidden)
            trained = Trained(**last_json(stdout))
            setup.say(f"{program.title}: {1000 * trained.seconds:.1f} ms a member")
            return trained

        found = interleave(list(present), setup.rounds, turn, failures.__setitem__)
        without = {program: f"skipped: {reason}" for program, reason in absent.items() if reason}
        without |= dict.fromkeys(failures, "failed")
        return Findings(
            tables=(self.table(found, without),),
            notes=self.notes,
            failures={program.title: reason for program, reason in failures.items()},
            samples={program.title: [asdict(each) for each in trained] for program, trained in found.items()},
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """How to read the table."""
        samples = f", {self.limit:,} samples" if self.limit else ""
        return (
            f"{self.members} members, {self.epochs} epochs{samples}, batches of 128 in an order of each "
            f"member's own: learning rates {', '.join(map(str, LRS))} times momenta "
            f"{', '.join(map(str, BETAS))} times {self.members // PER_SEED} seeds; "
            "`v = beta v + (1 - beta) g; p -= lr v`.",
            "The time is that of the training passes, with the loss over them; evaluation, tracking, imports "
            "and compiling are not in it. Members that are trained at the same time share it. A warm epoch "
            "is the median of those after the first, in which the runner records its steps; where a ratio "
            "says `warm`, these are compared, else all epochs together.",
            "The runner's sweep is the user's own, planned by itself, with nothing but the process left out "
            "that writes to the store. Finding the way to train (`planning`) comes once a sweep. Single runs "
            "are tracked runs with all threads, one after the other.",
        )

    def table(self, found: Mapping[Program, Sequence[Trained]], without: Mapping[Program, str]) -> Table:
        """A row a program: those that ran, and why the others did not."""
        ours = found.get(SWEEP, ())
        rows = []
        for rival in (Rival(SWEEP, None), *self.rivals):
            title = rival.program.title
            if rival.program in without:
                rows.append((title, without[rival.program], *[""] * 8))
            else:
                rows.append((title, *cells(rival, found[rival.program], ours)))
        columns = (
            "program",
            "how",
            f"{self.epochs} epochs, ms a member",
            "a warm epoch, ms a member",
            "planning, s",
            "compiling, s",
            "loss",
            "sweep / program",
            "target",
            "reached",
        )
        return Table(columns=columns, rows=tuple(rows))


def cells(rival: Rival, theirs: Sequence[Trained], ours: Sequence[Trained]) -> tuple[str, ...]:
    """A program's row, without its title."""
    planning = [each.planning_seconds for each in theirs if each.planning_seconds is not None]
    compiling = [each.compile_seconds for each in theirs if each.compile_seconds is not None]
    losses = [each.losses[-1] for each in theirs if each.losses]
    measured = (
        mode(each.way for each in theirs),
        with_spread(Spread.of([1000 * each.seconds for each in theirs]), 1),
        with_spread(Spread.of([1000 * each.warm for each in theirs]), 2),
        f"{Spread.of(planning).median:.1f}" if planning else "",
        f"{Spread.of(compiling).median:.1f}" if compiling else "",
        f"{Spread.of(losses).median:.4f}" if losses else "",
    )
    if rival.program == SWEEP or not ours:
        return (*measured, "", "", "")
    quotient = ratio(rival.compared(ours), rival.compared(theirs))
    told = with_spread(quotient) + (" warm" if rival.warm else "")
    return (*measured, told, *verdict(quotient.median, rival.limit_for(ours)))


SIXTEEN = 16

STACKS = Section(
    "Training time of 64 members (digits, 64-128-10)",
    Members(
        DIGITS,
        members=64,
        epochs=20,
        rivals=(
            Rival(SOLO, 1 / 7, members=PER_SEED),
            Rival(VMAP, 1.1, warm=True),
            Rival(BLOCKS, None, block=SIXTEEN, warm=True),
        ),
    ),
)
STACKS_MNIST = Section(
    "Training time of 16 members (MNIST, 784-128-10)",
    Members("mlp", members=SIXTEEN, epochs=2, rivals=(Rival(SOLO, 0.85), Rival(FLOOR, None, warm=True))),
)
STACKS_LENET = Section(
    "Training time of 16 members (MNIST, LeNet-5)",
    Members("lenet", members=SIXTEEN, epochs=2, limit=6000, rivals=(Rival(SOLO, 1.0, side_by_side=0.8),)),
)
