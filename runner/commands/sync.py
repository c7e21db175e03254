"""``runner sync``: what runs could not tell the store, it is told now."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from runner.commands.arguments import Arguments, run_program
from runner.process.importing import without_collections

USAGE = """runner sync [<folder>] [tracking.uri=…]

Sends what the runs under a folder have told and the store has not taken: it was down, or
locked, or tracking.offline was true. A run whose process has gone without a word ends as
KILLED. Runs that go on are left alone. A store that can't be reached, or a run that one
refuses, keeps no other from being sent. It can be done again, and by several at once:
nothing is sent twice.

  folder        a run's, or one that has runs in it at any depth; outputs if left out
  tracking.uri  a store that may be sent to if runs name it, beside the one in use
                (MLFLOW_TRACKING_URI, or outputs/mlflow.db) and the one that lies with the runs"""

KNOWN = ("folder", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """The command; its exit code."""
    return run_program(words, USAGE, KNOWN, from_typed)


def from_typed(arguments: Arguments) -> int:
    """Send what is in the folder that was typed."""
    return sync(Path(arguments.of("folder") or "outputs"), arguments.of("tracking.uri"))


def sync(folder: Path, typed: str | None = None) -> int:
    """Send all that is there, a line a run; 1 if something is left.

    Args:
        folder: has runs in it.
        typed: a store that may be sent to.
    """
    with without_collections():
        from runner.config.overrides import as_override
        from runner.errors import TrackingError, in_a_line
        from runner.tracking.destination import OtherStoreError, shown
        from runner.tracking.resend import journals_in, resend, store_of
        from runner.tracking.store import STORE_ERRORS, is_unreachable, told

    if not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 1
    left, gone = 0, set()
    for place in journals_in(folder):
        uri = store_of(place)
        if uri in gone:
            continue  # a store that does not answer for one run does not for another
        try:
            print(f"{in_a_line(str(place))}: {resend(place, typed)}", flush=True)
        except (*STORE_ERRORS, TrackingError) as error:
            line = told(error)
            if isinstance(error, OtherStoreError):
                words = [str(folder), f"tracking.uri={as_override(shown(error.uri))}"]
                line += f", if it is meant: python -m runner sync {shlex.join(words)}"
            print(f"{in_a_line(str(place))}: {in_a_line(line)}", file=sys.stderr)
            left = 1
            if uri is not None and (isinstance(error, OtherStoreError) or is_unreachable(error)):
                gone.add(uri)
    return left
