"""What the YAML of ``conf/`` says of its keys: the default, and the comment behind it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?: +(?P<value>[^#\s].*?))??(?: +# (?P<comment>.*))?$")


@dataclass(frozen=True)
class Line:
    """A key's default, as it is written there, and what its comment says."""

    value: str
    comment: str


def keys_of(path: Path, prefix: str = "") -> Mapping[str, Line]:
    """Each key of a YAML file, dotted, behind a prefix."""
    found: dict[str, Line] = {}
    parents: list[tuple[int, str]] = []
    for text in path.read_text().splitlines():
        match = LINE.match(text)
        if match is None:
            continue
        indent = len(match["indent"])
        parents = [each for each in parents if each[0] < indent]
        key = ".".join([*(name for _, name in parents), match["key"]])
        found[prefix + key] = Line(match["value"] or "", match["comment"] or "")
        parents.append((indent, match["key"]))
    return found


def opening_of(path: Path) -> str:
    """The comment that a file begins with, as one line."""
    lines = [line for line in path.read_text().splitlines() if line != "# @package _global_"]
    comment = []
    for line in lines:
        if not line.startswith("# "):
            break
        comment.append(line.removeprefix("# "))
    return " ".join(comment)
