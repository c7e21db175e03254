"""The command lines of the small programs: ``key=value`` words in Hydra's grammar."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from runner.compose import register_resolvers
from runner.errors import ConfigError, unknown
from runner.exit_code import exit_code, shows_tracebacks
from runner.signals import raise_on_signals

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Arguments:
    """What was typed, key by key, in its order."""

    given: Sequence[Override]

    def of(self, key: str) -> str | None:
        """The value of a key; None if it was not given."""
        for override in reversed(self.given):
            if override.key_or_group == key:
                value = override.value()
                return value if isinstance(value, str) else str(override.input_line).partition("=")[2]
        return None

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """The value of a key, the first of those allowed if it was not given.

        Raises:
            ConfigError: if it is none of them.
        """
        value = self.of(key) or allowed[0]
        if value not in allowed:
            raise ConfigError([unknown(key, value, allowed)])
        return value

    def overrides(self, *keys: str) -> list[str]:
        """What was typed of these keys, and of keys in them."""
        return [
            str(override.input_line)
            for override in self.given
            if str(override.key_or_group).partition(".")[0] in keys
        ]

    def required(self, key: str) -> str:
        """The value of a key that has to be given, as ``parse`` has made sure."""
        value = self.of(key)
        assert value is not None
        return value


def run_program(usage: str, known: Sequence[str], action: Callable[[Arguments], None]) -> None:
    """Do what the command line says and exit with the code of what came of it.

    Args:
        usage: what ``--help`` shows.
        known: the keys; those that end with ``!`` have to be given, ``data.*`` is any key of data.
        action: what to do.
    """
    words = sys.argv[1:]
    if {"--help", "-h"} & set(words):
        print(usage)
        sys.exit(0)
    raise_on_signals()
    register_resolvers()

    def start() -> int:
        action(parse(words, known))
        return 0

    sys.exit(exit_code(start, shows_tracebacks()))


def parse(words: Sequence[str], known: Sequence[str]) -> Arguments:
    """Read ``key=value`` words.

    Raises:
        ConfigError: if one is unknown or missing, deletes a key, or gives several values.
    """
    needed = [key.removesuffix("!") for key in known if key.endswith("!")]
    flags = [word for word in words if word.startswith("-")]
    if flags:
        raise ConfigError([f"{flag}: unknown, arguments are key=value, or --help" for flag in flags])
    given = OverridesParser.create().parse_overrides(list(words))
    problems = []
    for override in given:
        key = str(override.key_or_group)
        if key not in needed and key not in known and f"{key.partition('.')[0]}.*" not in known:
            problems.append(unknown(key, key, [*needed, *(k for k in known if k[-1] not in "!*")]))
        elif override.is_delete() or override.is_sweep_override():
            problems.append(f"{override.input_line}: one value is wanted")
    typed = [override.key_or_group for override in given]
    problems += [f"{key}: missing, write {key}=…" for key in needed if key not in typed]
    if problems:
        raise ConfigError(problems)
    return Arguments(given)
