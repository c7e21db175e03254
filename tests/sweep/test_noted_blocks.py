"""What a sweep's folder says of its blocks is data: anything but what ``note`` writes is left with a line."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.checkpoints.file import write
from runner.config.stored import as_data
from runner.errors import ConfigError
from runner.sweep.kept_blocks import BLOCKS, kept_in, noted
from runner.training.snapshot import Snapshot

BLOCK: dict[str, Any] = {"name": "0123456789abcdef", "jobs": ["a", "b"], "lanes": 1, "threads": 2}


def test_a_block_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / BLOCKS).write_text(json.dumps([BLOCK]))
    assert noted(tmp_path) == [BLOCK]


@pytest.mark.parametrize(
    "found",
    [{}, "x", 3, [1], [{}], *([BLOCK | odd] for odd in (
        {"name": "../../../precious"}, {"name": "/precious"}, {"name": 3}, {"jobs": "ab"}, {"jobs": [1]},
        {"lanes": 0}, {"lanes": "2"}, {"threads": 10**13},
    ))],
    ids=str,
)  # fmt: skip
def test_anything_else_is_left_with_a_line(
    found: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / BLOCKS).write_text(json.dumps(found))
    assert noted(tmp_path) == []
    (line,) = caplog.messages
    assert line.endswith("is not what was written, its jobs begin anew")


@pytest.mark.parametrize("about", [{}, {"jobs": None}, {"jobs": [[1]]}, {"jobs": "a"}, {"jobs": {"a": 1}}])
def test_a_checkpoint_that_does_not_say_whose_it_is_is_none_of_a_block(
    about: dict[str, object], tmp_path: Path
) -> None:
    write(tmp_path, Snapshot(1, {}, {}), about)
    assert kept_in(tmp_path, ["a"]) is None


@pytest.mark.parametrize("section", ["train", "tracking"])
@pytest.mark.parametrize("value", [[1], "x", 3, None])
def test_a_stored_config_whose_sections_are_none_is_refused_in_a_line(section: str, value: object) -> None:
    with pytest.raises(
        ConfigError, match=f"^run: what is stored with it is no config: {section} is no mapping$"
    ):
        as_data({"data": {"type": "iris"}, section: value}, False, None)
