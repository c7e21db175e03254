"""How a sweep grows: time and memory from 100 to 1,000 cells, and whether anything is lost on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import stored
from benchmarks.process import last_json, run_python
from benchmarks.results import Findings, Table
from benchmarks.rounds import Spread, interleave
from benchmarks.sections.section import NotMeasuredError, Section, Setup, with_spread
from benchmarks.server import mlflow_server
from benchmarks.stored import Count

SQLITE, SERVER = "SQLite", "MLflow server"
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """A sweep of some size, and where it is tracked."""

    cells: int
    store: str = SQLITE


@dataclass(frozen=True)
class Turn:
    """What came of one sweep.

    Attributes:
        wall: seconds from start to finish.
        trains: bytes, the most that the process which trains has held.
        books: likewise of the process that keeps its books.
        count: what is in the store.
    """

    wall: float
    trains: int
    books: int
    count: Count


@dataclass(frozen=True)
class Scale:
    """The same sweep, larger and larger.

    Attributes:
        sizes: cells, in growing order; the largest is tracked by a server too.
        epochs: that each cell trains.
    """

    sizes: tuple[int, ...] = (100, 300, 1000)
    epochs: int = 2

    def __call__(self, setup: Setup) -> Findings:
        """Run the rounds."""
        ready = stored.make_store(setup.work)
        cases = [*(Case(cells) for cells in self.sizes), Case(self.sizes[-1], SERVER)]
        failures: dict[Case, str] = {}
        with mlflow_server(setup.work, setup.threads) as address:

            def turn(case: Case) -> Turn:
                with stored.launch_folder(ready) as folder:
                    if case.store == SERVER:
                        found = self.run(setup, folder, case.cells, setup.work / "server.db", address)
                    else:
                        found = self.run(setup, folder, case.cells, folder / stored.DATABASE)
                setup.say(f"{case.cells} cells, {case.store}: {found.wall:.1f} s")
                return found

            found = interleave(cases, setup.rounds, turn, failures.__setitem__)
        if not all(case in found for case in cases if case.store == SQLITE):
            raise NotMeasuredError(next(iter(failures.values())))
        grown = {case.cells: turns for case, turns in found.items() if case.store == SQLITE}
        return Findings(
            tables=(sizes_table(grown), slopes_table(grown), self.lost_table(found)),
            notes=self.notes,
            failures={f"{case.cells} cells, {case.store}": reason for case, reason in failures.items()},
            samples=[
                {**asdict(case), "turns": [asdict(turn) for turn in turns]} for case, turns in found.items()
            ],
        )

    def run(self, setup: Setup, folder: Path, cells: int, database: Path, uri: str | None = None) -> Turn:
        """One sweep, and what is in the database of its store afterwards."""
        typed = ["optim=momentum", f"seed=range({cells})", f"train.epochs={self.epochs}"]
        where = {"CUDA_VISIBLE_DEVICES": ""} | ({"MLFLOW_TRACKING_URI": uri} if uri else {})
        command = ["-m", "benchmarks.programs.sweep_memory", *typed]
        _, stdout = run_python(command, threads=setup.threads, folder=folder, **where)
        return Turn(**last_json(stdout), count=stored.count(database, stored.only_results(folder)))

    def lost_table(self, found: Mapping[Case, Sequence[Turn]]) -> Table:
        """What is in the stores of the largest sweeps, in the worst of the rounds."""
        rows = []
        for case, turns in found.items():
            if case.cells == self.sizes[-1]:
                count = min((turn.count for turn in turns), key=lambda count: (count.complete, count.rows))
                nothing_lost = all(turn.count.lacks_nothing(case.cells) for turn in turns)
                rows.append(
                    (
                        case.store,
                        with_spread(Spread.of([turn.wall for turn in turns]), 1),
                        f"{count.finished:,} of {case.cells:,}",
                        f"{count.complete:,} of {case.cells:,}",
                        f"{count.rows:,} of {count.wanted:,}",
                        "nothing lost",
                        "yes" if nothing_lost else "no",
                    )
                )
        columns = ("store", "s", "runs FINISHED", "with every metric", "metric rows", "target", "reached")
        return Table(caption=f"{self.sizes[-1]:,} cells in each store:", columns=columns, rows=tuple(rows))

    @property
    def notes(self) -> tuple[str, ...]:
        """How to read the tables."""
        return (
            f"`python -m runner -m optim=momentum 'seed=range(N)' train.epochs={self.epochs}` on `digits`, "
            "from start to finish, in a store that is there before. The memory is the greatest resident of "
            "the process that trains, and of the one beside it that keeps the books.",
            "Metric rows are counted in the database's own tables, each once; wanted are as many as the "
            "jobs' results say that they measured. Of several rounds the worst is shown.",
            "The server (one worker, SQLite behind it) is up in all rows, and is in no row's memory.",
        )


@dataclass(frozen=True)
class Measure:
    """Something that grows with the cells.

    Attributes:
        of: reads it off a turn.
        sizes: its column in the table of sizes.
        slopes: its column in the table of slopes.
        parts: how many of the slopes' unit are one of the sizes'.
    """

    of: Callable[[Turn], float]
    sizes: str
    slopes: str
    parts: int


MEASURES = (
    Measure(lambda turn: turn.wall, "s", "ms", 1000),
    Measure(lambda turn: turn.trains / MIB, "training process, MiB", "training process, KiB", 1024),
    Measure(lambda turn: turn.books / MIB, "books, MiB", "books, KiB", 1024),
)


def sizes_table(grown: Mapping[int, Sequence[Turn]]) -> Table:
    """A row a size."""
    rows = tuple(
        (
            f"{cells:,}",
            *(with_spread(Spread.of([each.of(turn) for turn in turns]), 1) for each in MEASURES),
        )
        for cells, turns in grown.items()
    )
    return Table(columns=("cells", *(each.sizes for each in MEASURES)), rows=rows)


def slopes_table(grown: Mapping[int, Sequence[Turn]]) -> Table:
    """What a cell more takes, from each size to the next and from the first to the last."""
    sizes = list(grown)
    stretches = dict.fromkeys([*pairwise(sizes), (sizes[0], sizes[-1])])
    rows = tuple(
        (
            f"from {first:,} to {last:,}",
            *(with_spread(slope(grown, first, last, each), 1) for each in MEASURES),
        )
        for first, last in stretches
    )
    caption = "What a cell more takes; where all rows say the same, growth is linear:"
    columns = ("cells", *(each.slopes for each in MEASURES))
    return Table(caption=caption, columns=columns, rows=rows)


def slope(grown: Mapping[int, Sequence[Turn]], first: int, last: int, measure: Measure) -> Spread:
    """A cell's share of what lies between two sizes, within each round."""
    turns = zip(grown[first], grown[last], strict=True)
    more = [measure.parts * (measure.of(large) - measure.of(small)) for small, large in turns]
    return Spread.of([each / (last - first) for each in more])


SCALE = Section("A sweep of 100 to 1,000 cells (digits, 2 epochs)", Scale())
