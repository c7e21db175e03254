"""A Markdown page as its reader takes it: its fenced blocks, in order, and where its links lead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"(?:# @package .*\n)?# ([\w./-]+\.(?:yaml|py))(?:\n|$)")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: the word behind the fence.
        text: what is in it, whole lines.
        line: where it begins, from 1.
    """

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that it is part of: its first line names it, ``# my_conf/model/deep.yaml``.

        Only what says Hydra where the YAML belongs may stand before, as Hydra wants it to.
        """
        named = NAMED.match(self.text) if self.language in ("yaml", "python") else None
        return named.group(1) if named else None

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block; one that ends with a backslash goes on in the next."""
        return self.text.replace("\\\n", " ").splitlines() if self.language == "sh" else []

    @property
    def session(self) -> tuple[str, str] | None:
        """Of a text block that begins with ``$ <command>``: the command, and what it answers."""
        if self.language != "text" or not self.text.startswith("$ "):
            return None
        command, _, answer = self.text.removeprefix("$ ").partition("\n")
        return command, answer


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    for found in FENCED.finditer(text):
        yield Block(found.group(1), found.group(2), text.count("\n", 0, found.start()) + 1)


def links(page: Path) -> list[str]:
    """Where a page's links and pictures lead, code left out."""
    return LINK.findall(re.sub(r"`[^`\n]*`", "", FENCED.sub("", page.read_text())))


def anchors(page: Path) -> set[str]:
    """What can stand behind ``#`` in a link to a page: its headings as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
