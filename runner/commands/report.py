"""``runner report``: a run or a sweep on one page, as the store has it."""

from collections.abc import Sequence
from pathlib import Path

from runner.commands.arguments import Arguments, run_program
from runner.errors import ConfigError, RunnerError
from runner.process.importing import without_collections

USAGE = """runner report <run> | sweep=<sweep> [key=value …]

Writes a run or a sweep as one HTML file that needs no network to be opened: its numbers, its pictures, its
configuration, and the command that repeats it. What goes on, or has failed, is told as far as it has come.

  run           the run's id, or as much of its beginning as no other has
  sweep         likewise of a sweep's parent run, or of one of its jobs
  output        the file; report-<first 8 digits of the id>.html if left out
  tracking.uri  the store; outputs/mlflow.db if nothing else is said"""

KNOWN = ("run", "sweep", "output", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, report)


def report(arguments: Arguments) -> int:
    """Read, write, say where; the exit code.

    Raises:
        ConfigError: if the arguments are wrong.
        RunnerError: if there is no such run or sweep, or the store cannot be used.
    """
    run_id, sweep_id = arguments.of("run"), arguments.of("sweep")
    if (run_id is None) == (sweep_id is None):
        raise ConfigError(["report: write run=… or sweep=…, one of them"])
    wanted = run_id or sweep_id or ""
    target = Path(arguments.of("output") or f"report-{wanted[:8]}.html")
    if not target.absolute().parent.is_dir():
        raise ConfigError([f"output: there is no folder '{target.absolute().parent}'"])
    uri = arguments.store()
    text = page_of_run(uri, wanted) if sweep_id is None else page_of_sweep(uri, wanted)
    target.write_text(text, encoding="utf-8")
    print(f"the report is in {target}")
    return 0


def page_of_run(uri: str, run_id: str) -> str:
    """A run's page; that of the sweep, if the run is a sweep's parent.

    Raises:
        RunnerError: if there is no such run, or the store cannot be used.
    """
    with without_collections():
        from runner.reports.run import page_of
        from runner.trained.run import find
    run = find(uri, run_id)
    return page_of_sweep(uri, run_id) if run.run.data.tags.get("sweep_id") == run.run_id else page_of(run)


def page_of_sweep(uri: str, run_id: str) -> str:
    """A sweep's page, its pictures drawn anew.

    Raises:
        RunnerError: if there is no such sweep, or the store cannot be used.
    """
    with without_collections():
        from runner.pictures.figure import as_png
        from runner.sweep.report import pictures, stored
        from runner.sweep.report.page import page_of
        from runner.trained.run import find
    sweep = find(uri, run_id).sweep()
    if sweep is None:
        raise RunnerError(f"sweep: run '{run_id}' is no sweep and no job of one; write run={run_id}")
    found, drawn = stored.report_of(sweep), {}
    for name, draw in pictures.drawings(found) if found.standings else ():
        try:
            drawn[name] = as_png(draw())
        except pictures.NothingToDraw as reason:
            found.left_out[name] = str(reason)
    return page_of(found, stored.about(sweep), drawn)
