"""The files of a run's plugins with their digests, as a tag of the run, and what has become of them since."""

from collections.abc import Sequence

from runner.errors import ConfigError
from runner.plugins.source import digest_of, files_of

TAG = "plugins"
"""The tag: ``parts.py=<digest>, helper.py=<digest>``."""

DIGITS, LONGEST = 16, 5000
"""Of a digest; and characters that a store takes for a tag."""


def tag_of(plugins: Sequence[str]) -> str:
    """The files of some plugins, by name; only the plugins where there are too many files for a tag.

    Raises:
        ConfigError: if one cannot be read.
    """
    files = [f"{file}={digest[:DIGITS]}" for name in plugins for file, digest in files_of(name).items()]
    whole = ", ".join(files)
    if len(whole) <= LONGEST:
        return whole
    return ", ".join(f"{last_part(name)}={digest_of(name)[:DIGITS]}" for name in plugins)[:LONGEST]


def last_part(name: str) -> str:
    """A plugin's name without the folders that its file lies in, which may have moved."""
    return name.rpartition("/")[2]


def changes(then: str, now: str) -> list[str]:
    """A line for each file that has changed; one that is only called otherwise has not."""
    before, after = ([each.rpartition("=") for each in text.split(", ")] for text in (then, now))
    removed = [each for each in before if each not in after]
    added = [each for each in after if each not in before]
    gone = [name for name, _, digest in removed if digest not in [each[2] for each in added]]
    new = [name for name, _, digest in added if digest not in [each[2] for each in removed]]
    return [
        *(f"{name} has changed" if name in new else f"{name} is not there" for name in gone),
        *(f"{name} is new" for name in new if name not in gone),
    ]


def changes_since(then: str | None, plugins: Sequence[str]) -> list[str]:
    """The same of the plugins that a run had and those that it would have now.

    Args:
        then: the run's tag; None if it has none: it is older than the tag, or has no plugins.
        plugins: the names of those that it would have now.

    Raises:
        ConfigError: if one cannot be read.
    """
    return changes(then, tag_of(plugins)) if then and plugins else []


def refuse_changed(whose: str, then: str | None, plugins: Sequence[str], allowing: str) -> None:
    """Refuse to go on with plugins that have changed.

    Args:
        whose: run or sweep.
        then: its tag.
        plugins: the names of those that it would have now.
        allowing: what to type if that is meant.

    Raises:
        ConfigError: naming the files.
    """
    found = changes_since(then, plugins)
    if found:
        told = f"plugins: {', '.join(found)} since the {whose} was started"
        raise ConfigError([f"{told}. Restore what it was, start a new {whose}, or type {allowing}"])
