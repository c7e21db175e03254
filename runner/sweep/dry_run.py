"""What a sweep would do, without doing it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from runner.sweep.jobs import Job, Problem
from runner.sweep.plans import Planned


def show(jobs: Sequence[Job], problems: Sequence[Problem], plans: Sequence[Planned]) -> None:
    """Print the jobs, the groups in which they would be trained, and what that would cost."""
    console = Console(highlight=False, soft_wrap=True)
    groups = {job.number: str(place) for place, each in enumerate(plans, 1) for job in each.jobs}
    rows = [(job.number, groups.get(job.number, "-"), " ".join(job.cell.overrides)) for job in jobs]
    rows += [(problem.cell.job, "-", f"{problem.name}: {problem.error}") for problem in problems]
    table = Table("job", "group", "overrides", box=None, pad_edge=False)
    for number, group, told in sorted(rows):
        table.add_row(str(number), group, told)
    console.print(table)
    for place, each in enumerate(plans, 1):
        console.print(f"group {place}: {each}", markup=False)
    seconds = sum(each.plan.seconds for each in plans)
    console.print(f"{len(rows)} jobs, about {seconds:.3g} s of training; nothing was started", markup=False)
