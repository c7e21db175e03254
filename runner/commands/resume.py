"""``runner resume``: going on with a run."""

from collections.abc import Sequence

from runner.again.resume import MAKES_THE_RUN, MAY_CHANGE, resume
from runner.commands.arguments import run_program
from runner.commands.together import together
from runner.process.launch import command_line

USAGE = """runner resume <run> [key=value …]        also: runner resume=<run> …

Goes on with a run from its last checkpoint, in the same run and folder, as if nothing had happened. A sweep
is gone on with as a whole: runner -m sweep.resume=<sweep>.

  run           the run's id, or as much of its beginning as no other has
  train.epochs, train.max_time, train.checkpoint_every, train.early_stopping.patience, .metric, .min_delta,
  device, tracking.log_model
                what can change: what is still to be done. All else has made the run what it is
  data.root     where data lie now
  data.changed  allow trains on with data that have changed since; refused if nothing is said
  plugins       true lets the run's plugins run, which are code that the store names; or a list of files and
                modules of your own to take in their place
  plugins.changed
                allow goes on with plugins whose files have changed since; refused if nothing is said
  tracking.uri  the store; outputs/mlflow.db if nothing else is said
  --config-dir  a folder of your own YAML: where files of plugins may lie"""

KNOWN = ("run!", "tracking.uri", "data.root", "data.changed", "plugins", "plugins.changed", *MAY_CHANGE)


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return together(
        lambda workers: run_program(
            words, USAGE, KNOWN, lambda arguments: resume(arguments, command_line(), workers), MAKES_THE_RUN
        )
    )
