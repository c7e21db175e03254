"""What a sweep would do, without doing it."""

from collections.abc import Sequence

from runner.process.masking import masked_words
from runner.sweep.jobs import Job, Problem
from runner.sweep.planning.plans import Planned
from runner.tracking.console import PipeConsole


def show(jobs: Sequence[Job], problems: Sequence[Problem], plans: Sequence[Planned]) -> None:
    """Print the jobs, a line each, the groups in which they would be trained, and what that would cost."""
    console = PipeConsole(highlight=False, soft_wrap=True, markup=False)
    groups = {job.number: str(place) for place, each in enumerate(plans, 1) for job in each.jobs}
    rows = [(job.number, groups.get(job.number, "-"), masked_words(job.cell.overrides)) for job in jobs]
    rows += [(problem.number, "-", f"{problem.name}: {problem.error}") for problem in problems]
    width = max(len(str(len(rows))), len("job"))
    console.print(f"{'job':>{width}}  group  overrides")
    for number, group, told in sorted(rows):
        console.print(f"{number:>{width}}  {group:>5}  {told}")
    for place, each in enumerate(plans, 1):
        console.print(f"group {place}: {each}")
    seconds = sum(each.plan.seconds for each in plans)
    console.print(f"{len(rows)} jobs, about {seconds:.3g} s of training; nothing was started")
