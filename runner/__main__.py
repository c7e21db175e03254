"""``python -m runner``: a command line in, an exit code out.

0 done, 1 failed, 2 a wrong command line or config, 128 + n stopped by signal n (130 Ctrl-C, 143 SIGTERM).
What needs torch or mlflow is imported when a job starts, so that --help and --cfg answer at once.
"""

import os
import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from runner.again.rerun import rerun
from runner.again.resume import resume
from runner.commands.exit_code import FULL_ERROR, exit_code, shows_tracebacks, tell
from runner.config.compose import conf_folder, register_resolvers
from runner.config.unfolding import refuse_unfolding
from runner.process import torchrun
from runner.process.importing import without_collections
from runner.process.signals import raise_on_signals
from runner.sweep.callback import PARENT, SweepFolder
from runner.task import Task
from runner.tracking.masking import masked

if TYPE_CHECKING:
    from runner.process.parallel import Workers  # these import torch
    from runner.sweep.record import JobResult
    from runner.sweep.report.report import Report
    from runner.tracking.outcome import Status


def main() -> None:
    """The console script."""
    raise_on_signals()
    shows_traceback = shows_tracebacks()
    register_resolvers()
    if torchrun.world_size() == 1:
        sys.exit(run_command_line(shows_traceback))
    sys.exit(exit_code(lambda: run_together(shows_traceback), shows_traceback))


def run_together(shows_traceback: bool) -> int:
    """Be one of torchrun's processes: the first reads the command line, the others do as it says."""
    with without_collections():
        from runner.experiment import follow
        from runner.process.parallel import joined

    with joined() as workers:
        if workers.rank == 0:
            return run_command_line(shows_traceback, workers)
        follow(workers)
        return 0


def run_command_line(shows_traceback: bool, workers: "Workers | None" = None) -> int:
    """Let Hydra read ``sys.argv`` and run what it says, alone or as the first of several workers."""
    command = shlex.join(["python", "-m", "runner", *sys.argv[1:]])
    for key, action in (("resume", resume), ("rerun", rerun)):
        if any(word.startswith(f"{key}=") for word in sys.argv[1:]):
            return exit_code(partial(action, sys.argv[1:], command, workers), shows_traceback)
    task = Task(command, workers)

    def start() -> int:
        for folder in folders_named(sys.argv[1:]):
            refuse_unfolding(folder)
        hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(task)()
        return 0

    os.environ[FULL_ERROR] = "1"  # Hydra then hands its exceptions on instead of printing them
    code = exit_code(start, shows_traceback)
    if task.failures:
        code = tell(task.failures[0], shows_traceback)
    code = exit_code(lambda: close_books(code), shows_traceback)
    folder = SweepFolder.path
    if folder is None:
        return code
    return exit_code(lambda: end_sweep(folder, code, shows_traceback), shows_traceback)


def folders_named(words: Sequence[str]) -> list[Path]:
    """The folders of the user's own YAML, as the command line names them."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flags in (("--config-dir", "-cd"), ("--config-path", "-cp")):
        parser.add_argument(*flags, nargs="?", type=Path)
    return [folder for folder in vars(parser.parse_known_args(words)[0]).values() if folder is not None]


def close_books(code: int) -> int:
    """Wait until what a sweep's jobs reported is in the store, if there is a sweep; the code so far."""
    SweepFolder.open.close()
    return code


def end_sweep(folder: Path, code: int, shows_traceback: bool) -> int:
    """Name every job that failed, write the sweep's report, close its parent run; the final exit code."""
    from runner.sweep.record import read_results

    results = read_results(folder)
    failed = [result for result in results if result.status == "FAILED"]
    for result in failed:
        told = f"job {result.job} ({' '.join(result.overrides)}) failed: {result.reason}"
        print(masked(told), file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(results)} jobs failed", file=sys.stderr)
    code = code or int(bool(failed))
    if (folder / PARENT).exists():
        code = close_sweep(folder, code, results, shows_traceback)
    return code


def close_sweep(folder: Path, code: int, results: "list[JobResult]", shows_traceback: bool) -> int:
    """Leave what the jobs came to on the parent run and end it; show the ranking."""
    from runner.going_on import of_sweep
    from runner.sweep.report import standings
    from runner.tracking.console import PipeConsole
    from runner.tracking.location import Location

    if code > 128:
        print(of_sweep(Location.read(folder / PARENT)), file=sys.stderr)
    report = report_of(folder, "KILLED" if code > 128 else "FAILED" if code else "FINISHED", results)
    for line in report.notes:
        print(line, file=sys.stderr)
    told = [tell(problem, shows_traceback) for problem in report.problems]
    code = code or max(told, default=0)
    standings.show(report, PipeConsole(highlight=False, soft_wrap=True))
    return code


def report_of(folder: Path, status: "Status", results: "list[JobResult]") -> "Report":
    """Have a sweep's report written: by the process that keeps its books, if there is one, or here."""
    ledger = SweepFolder.ledger
    if ledger is not None and (report := ledger.conclude(status, results)) is not None:
        return report
    from runner.sweep.report import writer  # imports mlflow and matplotlib

    return writer.close(folder, status, results)


if __name__ == "__main__":
    main()
