"""A sweep's page: the ranking, the pictures, every job, in one file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runner.pictures.axes import number
from runner.pictures.colours import direction
from runner.process.masking import masked_values, masked_words
from runner.reports.html import render
from runner.reports.page import REPEATS, Picture
from runner.sweep.report import table
from runner.sweep.report.ranked import ranked
from runner.sweep.report.report import Report, Standing

PAGE = "report.html"
"""In the sweep's folder and among the parent run's artifacts."""

CAPTIONS = {
    "learning_curves.png": ("Learning curves", "the objective after each epoch, a line a job"),
    "seeds.png": ("Over the seeds", "mean of each setting, in a band of one standard deviation"),
    "swept_keys.png": ("Each swept key", "the objective at its end against the key's values, a dot a job"),
    "parallel_coordinates.png": ("Parallel coordinates", "a line a job, through its values to its objective"),
    "heat_map.png": ("Two keys at a time", "the objective over pairs of numeric keys"),
    "importance.png": ("Importance of the keys", "what knowing a key is worth for telling the jobs' order"),
}
"""Above each picture."""

FEW = 8
"""Values of a key that are told one by one."""


@dataclass(frozen=True)
class About:
    """What is told of a sweep beside what its jobs came to.

    Attributes:
        name: what it is called in the store.
        run_id: of its parent run.
        status: how it stands.
        facts: what else there is, by headings.
    """

    name: str
    run_id: str
    status: str
    facts: Mapping[str, str] = field(default_factory=dict)


def page_of(report: Report, about: About, pictures: Mapping[str, bytes]) -> str:
    """The page.

    Args:
        report: what the sweep came to.
        about: which sweep it is.
        pictures: PNGs by their names, of those that it has.
    """
    jobs = table.cells(report.results, report.keys)
    told = {
        "title": about.name,
        "status": about.status,
        "failure": "\n".join(str(problem) for problem in report.problems),
        "facts": {
            "jobs": jobs_in(report),
            "swept": "; ".join(f"{key}: {values}" for key, values in swept_in(report).items()),
            "objective": f"{report.objective}, {direction(report.objective)}" if report.objective else "",
            "best": best_in(report),
            "sweep": about.run_id,
            **about.facts,
        },
        "command_does": "Run the best job again, in a new run:",
        "command": REPEATS.format(run=report.best.run_id) if report.best else "",
        "rankings": [ranking_of(report, standing) for standing in report.standings],
        "jobs": {"columns": jobs.columns, "rows": [[in_words(value) for value in row] for row in jobs.rows]},
        "unfinished": unfinished_in(report),
        "left_out": report.left_out,
    }
    with_captions = [Picture(*CAPTIONS[name], png) for name, png in pictures.items()]
    return render("sweep.html", masked_values(told) | {"pictures": with_captions})


def ranking_of(report: Report, standing: Standing) -> dict[str, object]:
    """The cells of a data set, which is named if there are several."""
    shown = ranked(standing, report.keys)
    return {
        "title": f"Ranking: {standing.title}" if len(report.standings) > 1 else "Ranking",
        "swept": shown.keys,
        "figures": shown.figures,
        "rows": [(row, job.run_id or "") for row, job in zip(shown.rows, shown.jobs, strict=True)],
    }


def jobs_in(report: Report) -> str:
    """How many jobs there are, and what became of them."""
    counts = Counter(result.outcome.lower() for result in report.results)
    return f"{len(report.results)}: " + ", ".join(f"{count} {status}" for status, count in counts.items())


def best_in(report: Report) -> str:
    """The best job: its objective and what it is told."""
    if report.best is None or report.best.objective is None:
        return ""
    return f"{report.best.objective:.6g}, job {report.best.job}: {masked_words(report.best.overrides)}"


def swept_in(report: Report) -> dict[str, str]:
    """The swept keys with their values: all if they are few, else how many they are."""
    columns = [table.values_of(result, report.keys) for result in report.results]
    return {key: in_few_words([values[key] for values in columns if key in values]) for key in report.keys}


def unfinished_in(report: Report) -> dict[str, str]:
    """Why jobs did not finish, and which ones: those together that give the same reason."""
    jobs: dict[str, list[str]] = {}
    for result in report.results:
        if result.status in ("FAILED", "KILLED"):
            jobs.setdefault(f"{result.status}: {result.reason or 'no reason is known'}", []).append(
                str(result.job)
            )
    return {reason: in_few_words(numbers) for reason, numbers in jobs.items()}


def in_few_words(texts: Sequence[str]) -> str:
    """Values: all if they are few."""
    distinct = list(dict.fromkeys(texts))
    if len(distinct) <= FEW:
        return ", ".join(distinct)
    numbers = [value for text in distinct if (value := number(text)) is not None]
    if len(numbers) < len(distinct):
        return f"{len(distinct)} values"
    return f"{len(distinct)} from {min(numbers):g} to {max(numbers):g}"


def in_words(value: table.Value) -> str:
    """A cell of the table of jobs."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
