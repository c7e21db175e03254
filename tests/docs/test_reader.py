"""A reader notices what does not work."""

from pathlib import Path

from tests.docs.page import Block, anchors, blocks
from tests.docs.reader import Reader


def follow(folder: Path, *steps: tuple[str, str]) -> list[str]:
    """What goes wrong in blocks of a language and a text each."""
    reader = Reader(folder, "")
    for line, (language, text) in enumerate(steps, 1):
        reader.take(Block(language, text, line))
    return reader.failures


def test_a_command_that_fails_is_told_with_its_line(tmp_path: Path) -> None:
    (told,) = follow(tmp_path, ("sh", "true\n"), ("sh", "true && exit 3\n"))
    assert told.startswith("line 2: exit code 3")


def test_blocks_that_name_a_file_are_written_one_behind_the_other(tmp_path: Path) -> None:
    same = ("python", "# own/parts.py\nx = 1\n")
    assert follow(tmp_path, same, same, ("sh", "[ $(grep -c x own/parts.py) = 2 ]\n")) == []


def test_a_programs_output_and_an_answer_are_held_against_the_page(tmp_path: Path) -> None:
    program = ("python", "print('one'); print('two')\n")
    assert follow(tmp_path, program, ("text", "one\ntwo\n")) == []
    assert follow(tmp_path, program, ("text", "one\nthree\n")) == ["line 2: it says\none\ntwo\n"]
    assert follow(tmp_path, ("text", "$ echo four five\n…five\n")) == []
    assert len(follow(tmp_path, ("text", "$ echo four five\nfive\n"))) == 1


def test_a_command_goes_on_behind_a_backslash() -> None:
    assert Block("sh", "runner -m \\\n    seed=0\npytest\n", 1).commands == [
        "runner -m      seed=0",
        "pytest",
    ]


def test_a_page_is_taken_apart(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n\n```yaml\n# @package _global_\n# conf/a.yaml\nx: 1\n```\n\n## Two `words`, more\n"
    )
    (block,) = blocks(page)
    assert (block.language, block.file, block.line) == ("yaml", "conf/a.yaml", 3)
    assert anchors(page) == {"a-page", "two-words-more"}
