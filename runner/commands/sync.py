"""``python -m runner.sync``: what runs could not tell the store, it is told now."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from runner.commands.exit_code import exit_code, shows_tracebacks
from runner.process.signals import raise_on_signals

DESCRIPTION = """Sends what the runs under a folder have told and the store has not taken: it was down, or
locked, or tracking.offline was true. A run whose process has gone without a word ends as
KILLED. Runs that go on are left alone. It can be done again, and by several at once:
nothing is sent twice."""


def main() -> None:
    """The program."""
    parser = ArgumentParser(
        "python -m runner.sync", None, DESCRIPTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", default="outputs", type=Path, help="outputs if left out")
    folder: Path = parser.parse_args().folder
    raise_on_signals()
    sys.exit(exit_code(lambda: sync(folder), shows_tracebacks()))


def sync(folder: Path) -> int:
    """Send all that is there, a line a run; 1 if something is left."""
    from runner.errors import TrackingError
    from runner.tracking.resend import journals_in, resend  # imports mlflow
    from runner.tracking.store import STORE_ERRORS, is_refused, told

    if not folder.is_dir():
        print(f"{folder} is no folder", file=sys.stderr)
        return 1
    left = 0
    for place in journals_in(folder):
        try:
            print(f"{place}: {resend(place)}", flush=True)
        except (*STORE_ERRORS, TrackingError, ValueError) as error:
            print(f"{place}: {told(error)}", file=sys.stderr)
            left = 1
            if not is_refused(error):
                break  # what is gone for one is so for the others
    return left
