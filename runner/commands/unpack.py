"""``runner unpack``: a packed run into one's own store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.arguments import Arguments, run_program, with_second
from runner.process.importing import without_collections

if TYPE_CHECKING:  # which imports mlflow
    from runner.handover.unpack import Unpacked

USAGE = """runner unpack <file.zip> [<folder>] [key=value …]

Makes a run of what 'runner pack' has written, in the store in use: with its metrics after each epoch, params,
tags, status, times, artifacts and model. show, report, predict, evaluate, export, resume and rerun take it
like a run of one's own. Every file is held against its SHA-256, and no code in it is run; plug-ins need
plugins=true afterwards, as everywhere. What is in the store already isn't made twice.

  file          the file
  folder        the run's folder, which must not be there yet; one in outputs/runs if left out
  experiment    the experiment that it comes into; the one that it was in if left out
  tracking.uri  the store; outputs/mlflow.db if nothing else is said"""

KNOWN = ("file!", "folder", "experiment", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(with_second(words, "folder"), USAGE, KNOWN, unpack)


def unpack(arguments: Arguments) -> int:
    """Read, look through, send; the exit code.

    Raises:
        ConfigError: if the arguments are wrong, or the file is no packed run.
        TrackingError: if the store can't be used.
    """
    with without_collections():
        from runner.config.compose import compose_run
        from runner.handover.unpack import unpack as take_over
    folder = arguments.of("folder") or compose_run([], None).hydra.run.dir
    done = take_over(
        Path(arguments.required("file")), Path(folder), arguments.store(), arguments.of("experiment")
    )
    for line in lines_of(done):
        print(line)
    return 0


def lines_of(done: "Unpacked") -> list[str]:
    """What has been done, and what to know of it."""
    packed = done.packed
    if not done.is_new:
        return [f"run {done.run_id}: is in the store already, nothing was unpacked"]
    lines = [
        f"run {done.run_id}: {packed.name}, {packed.status}; it was run {packed.run_id} of experiment "
        f"'{packed.experiment}' where it was packed"
    ]
    plugins = done.folder / "plugins"
    if plugins.is_dir():
        lines.append(f"its plug-ins are in {plugins}: code from whoever packed it, which nothing has run")
    return lines
