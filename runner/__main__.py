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
from runner.commands.exit_code import disk_needs, exit_code, shows_tracebacks
from runner.errors import RunnerError
from runner.process.library_warnings import ignore_warnings_of_libraries
from runner.process.signals import raise_on_signals
from runner.process.standard_streams import Output, guard_streams


def main() -> None:
    """The console script."""
    raise_on_signals()
    ignore_warnings_of_libraries()
    output, shows_traceback = guard_streams(), shows_tracebacks()
    code = exit_code(lambda: run(sys.argv[1:]), shows_traceback)
    sys.exit(exit_code(lambda: flushed(output, code), shows_traceback))


def flushed(output: Output | None, code: int) -> int:
    """Write what is left to standard output; the exit code so far.

    Raises:
        RunnerError: if not all of it could be written.
    """
    if output is not None:
        sys.stdout.flush()
        if output.refusal is not None:
            raise RunnerError(f"standard output: {disk_needs(output.refusal)}")
    return code


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
