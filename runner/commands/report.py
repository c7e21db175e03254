"""``python -m runner.report``: a run or a sweep on one page, as the store has it."""

from pathlib import Path

from runner.commands.arguments import Arguments, run_program
from runner.config.compose import tracking_uri
from runner.errors import ConfigError, RunnerError
from runner.process.importing import without_collections

USAGE = """python -m runner.report run=<run id> | sweep=<sweep's id> [output=<file>] [tracking.uri=<store>]

Writes a run or a sweep as one HTML file that needs no network to be opened: its numbers, its pictures, its
configuration, and the command that repeats it. What goes on, or has failed, is told as far as it has come.

  run           a run's id
  sweep         the id of a sweep's parent run, or that of one of its jobs
  output        the file; report-<first 8 digits of the id>.html if left out
  tracking.uri  the store; as for python -m runner, outputs/mlflow.db if nothing else is said"""

KNOWN = ("run", "sweep", "output", "tracking.uri")


def main() -> None:
    """The program."""
    run_program(USAGE, KNOWN, report)


def report(arguments: Arguments) -> None:
    """Read, write, say where.

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
    uri = arguments.of("tracking.uri") or tracking_uri()
    text = page_of_run(uri, wanted) if sweep_id is None else page_of_sweep(uri, wanted)
    target.write_text(text, encoding="utf-8")
    print(f"the report is in {target}")


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
    for name, draw in pictures.drawings(found) if found.best is not None else ():
        try:
            drawn[name] = as_png(draw())
        except pictures.NothingToDraw as reason:
            found.left_out[name] = str(reason)
    return page_of(found, stored.about(sweep), drawn)
