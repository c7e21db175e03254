"""``runner rerun``: a run once more, in a new run, held against its numbers."""

from collections.abc import Sequence

from runner.again.rerun import IS_AS_IT_WAS, MAY_BE_SAID, rerun
from runner.commands.arguments import run_program
from runner.commands.together import together
from runner.process.launch import command_line

USAGE = """runner rerun <run> [key=value …]        also: runner rerun=<run> …

Does a run again, in a new run, and holds that against what the first has measured: the exit code is 0 if all
numbers are the same to the bit, else 1, and it is told what is not as it was.

  run           the run's id, or as much of its beginning as no other has
  data.root     where downloads lie now
  plugins       true lets the run's plugins run, which are code that the store names; or a list of files and
                modules of your own to take in their place
  plugins.changed
                allow runs plugins whose files have changed since; refused if nothing is said
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: where files of plugins may lie"""

KNOWN = ("run!", *MAY_BE_SAID)


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return together(
        lambda workers: run_program(
            words, USAGE, KNOWN, lambda arguments: rerun(arguments, command_line(), workers), IS_AS_IT_WAS
        )
    )
