"""A command line that Hydra reads, ``python -m runner model=mlp``: a run or a sweep, and an exit code.

What needs torch or mlflow is imported when a job starts, so that --cfg and --info answer at once.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import hydra

from runner.commands.exit_code import FULL_ERROR, exit_code, shows_tracebacks, tell
from runner.commands.together import together
from runner.config.compose import register_resolvers
from runner.config.loader import checked_loading, conf_folder
from runner.errors import ConfigError, in_a_line
from runner.process.launch import command_line
from runner.process.masking import masked, masked_words
from runner.sweep.callback import PARENT, SweepFolder
from runner.task import Task

RERUN_FLAG = "--experimental-rerun"

OF_SWEEP = {"data.changed=": "sweep.data_changed=", "plugins.changed=": "sweep.plugins_changed="}
"""How words begin that are typed for a sweep as for a single run, and how as keys of the sweep."""

if TYPE_CHECKING:
    from runner.process.parallel import Workers  # these import torch
    from runner.sweep.record import JobResult
    from runner.sweep.report.report import Report
    from runner.tracking.outcome import Status


def run_hydra() -> int:
    """Let Hydra read ``sys.argv`` and run what it says; the exit code."""
    register_resolvers()
    shows_traceback = shows_tracebacks()
    return together(lambda workers: run_command_line(shows_traceback, workers))


def run_command_line(shows_traceback: bool, workers: "Workers | None") -> int:
    """Run what the command line says, alone or as the first of several workers."""
    task = Task(command_line(), workers)

    def start() -> int:
        sys.argv[1:] = with_keys_of_sweep(sys.argv[1:])
        refuse_more_folders(sys.argv[1:])
        refuse_pickled_job(sys.argv[1:])
        with checked_loading():
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


def with_keys_of_sweep(words: Sequence[str]) -> list[str]:
    """The words, those of ``OF_SWEEP`` as keys of the sweep that they are."""
    found = [(word, next(filter(word.startswith, OF_SWEEP), None)) for word in words]
    return [word if key is None else OF_SWEEP[key] + word.removeprefix(key) for word, key in found]


def folders_named(words: Sequence[str]) -> list[Path]:
    """The folders of the user's own YAML, as the command line names them."""
    return [folder for folder in vars(folder_parser().parse_known_args(words)[0]).values() if folder]


def refuse_more_folders(words: Sequence[str]) -> None:
    """Refuse folders beside the one that an option takes: what a shell makes of ``*`` may be several.

    Raises:
        ConfigError: naming them.
    """
    _, others = folder_parser().parse_known_args(words)
    more = [word for word in others if "=" not in word and not word.startswith("-") and Path(word).is_dir()]
    if more and folders_named(words):
        raise ConfigError([f"--config-dir: takes one folder, but there are more: {', '.join(more)}"])


def folder_parser() -> ArgumentParser:
    """Reads the options that name a folder."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    for flags in (("--config-dir", "-cd"), ("--config-path", "-cp")):
        parser.add_argument(*flags, nargs="?", type=Path)
    return parser


def refuse_pickled_job(words: Sequence[str]) -> None:
    """Refuse Hydra's flag that reads a pickle, which is code.

    Raises:
        ConfigError: if it is given, or as much of its beginning as Hydra takes for it.
    """
    for word in words:
        flag = word.partition("=")[0]
        if len(flag) > len("--") and RERUN_FLAG.startswith(flag):
            raise ConfigError([f"{flag}: reads a pickle, which may hold code: use runner rerun <run>"])


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
        told = f"job {result.job} ({masked_words(result.overrides)}) failed: {result.reason}"
        print(in_a_line(masked(told)), file=sys.stderr)
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
        print(in_a_line(line), file=sys.stderr)
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
