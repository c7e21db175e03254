"""The commands' words: ``key=value`` in Hydra's grammar, which is imported when there are words to read."""

from argparse import ArgumentError, ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.exit_code import exit_code, shows_tracebacks
from runner.config.overrides import as_override
from runner.errors import ConfigError, unknown
from runner.process.signals import raise_on_signals

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

HELP = frozenset(("--help", "-h"))

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Arguments:
    """What was typed, key by key, in its order.

    Attributes:
        given: each word.
        config_dir: the folder of the user's own YAML, if one is named.
    """

    given: "Sequence[Override]"
    config_dir: str | None = None

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

    def flag(self, key: str) -> bool:
        """Whether a key is true; it is false if it was not given.

        Raises:
            ConfigError: if it is neither.
        """
        return self.choice(key, ("false", "true")) == "true"

    def whole_number(self, key: str, default: int) -> int:
        """The value of a key, at least 1.

        Raises:
            ConfigError: if it is no such number.
        """
        value = self.of(key) or str(default)
        if not value.isdecimal() or int(value) < 1:
            raise ConfigError([f"{key}: '{value}' should be a whole number, at least 1"])
        return int(value)

    def within(self, section: str) -> dict[str, str]:
        """The values of keys in a section, by their names there: ``tags.model`` is ``model``."""
        keys = [str(override.key_or_group) for override in self.given]
        return {
            key.removeprefix(f"{section}."): self.of(key) or ""
            for key in keys
            if key.startswith(f"{section}.")
        }

    def overrides(self, *keys: str) -> list[str]:
        """What was typed of these keys, and of keys in them."""
        return [
            str(override.input_line)
            for override in self.given
            if str(override.key_or_group).partition(".")[0] in keys
        ]

    def plugins(self) -> bool | list[str]:
        """Whether plugins that the store tells of may run, or the names of those to take in their place.

        Raises:
            ConfigError: if what was typed is neither.
        """
        from runner.config.compose import located

        typed = [override.value() for override in self.given if override.key_or_group == "plugins"]
        value = typed[-1] if typed else False
        if isinstance(value, bool):
            return value
        if not isinstance(value, list):
            raise ConfigError([f"plugins: {value!r} should be true or a list of files and modules"])
        folders = [Path(folder) for folder in (self.config_dir, Path.cwd()) if folder is not None]
        return [str(located(str(name), folders)) for name in value]

    def store(self) -> str:
        """The store's URI: what was typed, or what a run takes that is told of none."""
        from runner.config.tracking_uri import tracking_uri

        return self.of("tracking.uri") or tracking_uri()

    def required(self, key: str) -> str:
        """The value of a key that has to be given, as ``parse`` has made sure."""
        value = self.of(key)
        assert value is not None
        return value


def run_program(
    words: Sequence[str],
    usage: str,
    known: Sequence[str],
    action: Callable[[Arguments], int],
    others_told: str | None = None,
) -> int:
    """Do what the words after a command say; the exit code of what came of it.

    Args:
        words: what was typed.
        usage: what ``--help`` shows.
        known: the keys; those that end with ``!`` have to be given, ``data.*`` is any key of data. A bare
            first word is the value of the first.
        action: what to do.
        others_told: what to say of any other key, if not that it is unknown.
    """
    if HELP & set(words):
        print(usage)
        return 0
    raise_on_signals()
    return exit_code(lambda: action(parse(words, known, others_told)), shows_tracebacks())


def with_second(words: Sequence[str], key: str) -> list[str]:
    """The words after a command, a second bare one as the value of a key: ``pack <run> <output>``."""
    if len(words) > 1 and is_bare(words[0]) and is_bare(words[1]):
        return [words[0], f"{key}={as_override(words[1])}", *words[2:]]
    return list(words)


def is_bare(word: str) -> bool:
    """Whether a word is neither ``key=value`` nor a flag nor anything else that Hydra reads."""
    return "=" not in word and not word.startswith(("-", "+", "~"))


def parse(words: Sequence[str], known: Sequence[str], others_told: str | None = None) -> Arguments:
    """Read ``key=value`` words.

    Args:
        words: what was typed.
        known: the keys; those that end with ``!`` have to be given, ``data.*`` is any key of data. A bare
            first word is the value of the first.
        others_told: what to say of any other key, if not that it is unknown.

    Raises:
        ConfigError: if one is unknown or missing, deletes a key, or gives several values.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    from runner.config.compose import register_resolvers

    register_resolvers()
    needed = [key.removesuffix("!") for key in known if key.endswith("!")]
    config_dir, others = without_config_dir(words)
    flags = [word for word in others if word.startswith("-")]
    if flags:
        raise ConfigError(
            [f"{flag}: unknown, arguments are key=value, --config-dir or --help" for flag in flags]
        )
    first = known[0].removesuffix("!")
    if others and is_bare(others[0]):
        others[0] = f"{first}={as_override(others[0])}"
    strays = [word for word in others if is_bare(word)]
    if strays:
        raise ConfigError(
            [f"{word}: arguments are key=value, only the first may be bare: {first}" for word in strays]
        )
    given = OverridesParser.create().parse_overrides(others)
    problems = []
    for override in given:
        key = str(override.key_or_group)
        if key not in needed and key not in known and f"{key.partition('.')[0]}.*" not in known:
            names = [*needed, *(k for k in known if k[-1] not in "!*")]
            problems.append(f"{key}: {others_told}" if others_told else unknown(key, key, names))
        elif override.is_delete() or override.is_sweep_override():
            problems.append(f"{override.input_line}: one value is wanted")
    typed = [override.key_or_group for override in given]
    problems += [f"{key}: missing, write {key}=…" for key in needed if key not in typed]
    if problems:
        raise ConfigError(problems)
    return Arguments(given, config_dir)


def without_config_dir(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The folder that ``--config-dir`` names, if it is there, and the other words.

    Raises:
        ConfigError: if it names none.
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config-dir", "-cd")
    try:
        found, others = parser.parse_known_args(words)
    except ArgumentError as error:
        raise ConfigError([f"--config-dir: {error.message}"]) from error
    return found.config_dir, others
