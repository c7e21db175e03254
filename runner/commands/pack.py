"""``runner pack``: a run in one file, to hand it to somebody else."""

from collections.abc import Sequence
from pathlib import Path

from runner.commands.arguments import Arguments, run_program, with_second
from runner.errors import ConfigError
from runner.process.importing import without_collections

USAGE = """runner pack <run> [<file.zip>] [key=value …]

Writes a run that has ended into one file, to hand it to somebody else: config, model, plug-ins with the files
that they import, metrics after each epoch, params, tags, artifacts, and the checkpoint that it can be resumed
from. Secrets are masked as they are in the store. 'runner unpack' makes a run of it in another store. The
same run gives the same bytes.

  run           the run's id, or as much of its beginning as no other has; of a sweep one of its jobs
  output        the file; run-<first 8 digits of the id>.zip if left out
  checkpoint    false leaves the checkpoint out, which is as large as the parameters and the optimizer's state
  tracking.uri  the store; outputs/mlflow.db if nothing else is said"""

KNOWN = ("run!", "output", "checkpoint", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(with_second(words, "output"), USAGE, KNOWN, pack)


def pack(arguments: Arguments) -> int:
    """Find and write; the exit code.

    Raises:
        ConfigError: if the arguments are wrong, or the run is none that can be packed.
        RunnerError: if run or store can't be had, or the file can't be written.
    """
    with_checkpoint = arguments.choice("checkpoint", ("true", "false")) == "true"
    named = arguments.of("output")
    if named is not None:
        refuse(Path(named))
    with without_collections():
        from runner.handover.pack import pack as write
        from runner.trained.run import find
    found = find(arguments.store(), arguments.required("run"))
    target = Path(named or f"run-{found.run_id[:8]}.zip")
    for line in write(found, target, with_checkpoint):
        print(line)
    print(f"run {found.run_id} is in {target}, {target.stat().st_size:,} bytes")
    return 0


def refuse(target: Path) -> None:
    """Refuse a place that no file can have, before anything slow.

    Raises:
        ConfigError: if it is none.
    """
    if not target.absolute().parent.is_dir():
        raise ConfigError([f"output: there is no folder '{target.absolute().parent}'"])
    if target.is_dir():
        raise ConfigError([f"output: '{target}' is a folder"])
