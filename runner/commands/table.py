"""The commands: ``runner <name> …`` is ``main(words)`` of ``runner/commands/<name>.py``."""

import importlib
from collections.abc import Sequence

from runner.commands.exit_code import exit_code, shows_tracebacks
from runner.errors import ConfigError, unknown

COMMANDS = {
    "list": "what has been run, the newest first",
    "show": "a run: what was run, what came of it, and how to go on",
    "ui": "MLflow's pages on the store, for a browser",
    "report": "a run or a sweep as one HTML file",
    "evaluate": "how good a trained model is on a part of its data, or on other data",
    "predict": "what a trained model says of the rows of a file",
    "export": "a trained model as a file that other programs read",
    "resume": "going on with a run, as if nothing had happened",
    "rerun": "a run once more, held against its numbers",
    "pack": "a run in one file, to hand it to somebody else",
    "unpack": "a packed run into one's own store",
    "sync": "what runs could not tell the store, it is told now",
}
"""A line of what each is for, in the order in which help tells of them."""

ALSO_KEYS = ("resume", "rerun")
"""Those that can be typed as ``resume=<run>`` too, among the words."""


def run(name: str, words: Sequence[str]) -> int:
    """Do what a command does with the words that follow it; the exit code."""
    if name not in COMMANDS:
        return exit_code(lambda: refuse(name), shows_tracebacks())
    main = importlib.import_module(f"runner.commands.{name}").main
    return int(main(words))


def refuse(name: str) -> int:
    """Tell that there is no such command.

    Raises:
        ConfigError: always.
    """
    raise ConfigError([unknown("command", name, COMMANDS)])


def as_run(command: str, word: str) -> str:
    """``resume=<run>`` as the command's own word for it, ``run=<run>``; any other word as it is."""
    key, equals, value = word.partition("=")
    return f"run{equals}{value}" if key == command else word
