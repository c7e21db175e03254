"""An option takes one folder, whatever the shell made of a pattern."""

from pathlib import Path

import pytest

from runner.command_line import refuse_more_folders
from runner.errors import ConfigError


def test_a_second_folder_is_named(in_tmp_path: Path) -> None:
    for name in ("a/best", "b/best"):
        Path(name).mkdir(parents=True)
    refuse_more_folders(["--config-dir", "a/best", "experiment=best"])
    with pytest.raises(ConfigError, match="--config-dir: takes one folder, but there are more: b/best"):
        refuse_more_folders(["--config-dir", "a/best", "b/best", "experiment=best"])
