"""``python -m runner``, and ``runner`` alone: a command line in, an exit code out.

0 done, 1 failed, 2 a wrong command line or config, 128 + n stopped by signal n (130 Ctrl-C, 143 SIGTERM).
A first word that is bare names a command; without one, Hydra reads the words and something is trained. What
takes long to import is imported when it is known to be needed: torch and mlflow by a job, Hydra by what
composes.
"""

import sys
from collections.abc import Sequence

from runner.commands import help, table
from runner.commands.arguments import is_bare
from runner.process.signals import raise_on_signals


def main() -> None:
    """The console script."""
    raise_on_signals()
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Do what a command line says; the exit code."""
    if words and is_bare(words[0]):
        return table.run(words[0], words[1:])
    for command in table.ALSO_KEYS:
        if any(word.startswith(f"{command}=") for word in words):
            return table.run(command, [table.as_run(command, word) for word in words])
    if help.is_asked_for(words):
        return help.main(words)
    from runner.command_line import run_hydra

    return run_hydra()


if __name__ == "__main__":
    main()
