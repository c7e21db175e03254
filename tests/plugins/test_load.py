"""A plugin's module is found, run once, and what is wrong with it is told in a line."""

import subprocess
import sys
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.plugins.load import load, load_all

SCHEDULE = """
class Half:
    per_step = False

    def factor(self, moment):
        return {factor}


SCHEDULES = {{"half": Half}}
"""


def problem(name: str) -> str:
    with pytest.raises(ConfigError) as error:
        load(name)
    (told,) = error.value.problems
    return told


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_a_file_is_read_without_its_folder_on_the_path(tmp_path: Path) -> None:
    before = list(sys.path)
    plugin = load(written(tmp_path / "parts.py", SCHEDULE.format(factor=0.5)))
    assert list(plugin.tables["SCHEDULES"]) == ["half"]
    assert sys.path == before


def test_files_of_the_same_name_do_not_collide(tmp_path: Path) -> None:
    one, other = (
        load(written(tmp_path / folder / "parts.py", SCHEDULE.format(factor=factor)))
        for folder, factor in (("a", 0.5), ("b", 0.25))
    )
    assert one.tables["SCHEDULES"]["half"]().factor(None) == 0.5
    assert other.tables["SCHEDULES"]["half"]().factor(None) == 0.25


def test_a_file_is_run_once_until_it_changes(tmp_path: Path) -> None:
    name = written(tmp_path / "parts.py", SCHEDULE.format(factor=0.5))
    first = load(name).tables["SCHEDULES"]["half"]
    assert load(name).tables["SCHEDULES"]["half"] is first
    written(tmp_path / "parts.py", SCHEDULE.format(factor=0.3))
    assert load(name).tables["SCHEDULES"]["half"]().factor(None) == 0.3


def test_dataclasses_work_in_a_file_whose_annotations_are_texts(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from typing import ClassVar\n\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Rate:\n    per_step: ClassVar[bool] = True\n"
        "    rate: float = 2.0\n\n    def factor(self, moment):\n        return self.rate\n\n"
        'SCHEDULES = {"rate": Rate}\n'
    )
    assert load(written(tmp_path / "parts.py", text)).tables["SCHEDULES"]["rate"]().factor(None) == 2.0


def test_a_module_on_the_path_is_named_without_an_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "my_halves" / "parts.py", SCHEDULE.format(factor=0.5))
    monkeypatch.syspath_prepend(tmp_path)
    plugin = load("my_halves.parts")
    assert (plugin.name, plugin.source) == ("my_halves.parts", None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import torch\n\n1 / 0\n", ", line 3: ZeroDivisionError: division by zero"),
        ("import no_such_module\n", ", line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1\nclass A(\n", ", line 2: SyntaxError: '(' was never closed"),
        ("import json\njson.loads('{')\n", ", line 2: JSONDecodeError: Expecting property name"),
        ("raise SystemExit(3)\n", ", line 1: SystemExit: 3"),
        (
            "x = 1\n",
            ": has none of the tables LAYERS, INITIALIZERS, LOSSES, METRICS, RULES",
        ),
        ("LAYERS = [1]\n", ": LAYERS should be a mapping of names to classes"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    name = written(tmp_path / "parts.py", text)
    assert problem(name).startswith(f"plugins: {name}{told}")


def test_a_module_that_fails_is_told_with_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "my_failure.py", "import os\nos.no_such_thing\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert problem("my_failure").startswith("plugins: my_failure, line 2 of my_failure.py: AttributeError: ")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    assert problem("no_such").startswith("plugins: there is no module 'no_such' on the path")
    assert problem("no_such.deeper").startswith("plugins: there is no module 'no_such' on the path")
    assert problem("../../etc/passwd") == (
        "plugins: '../../etc/passwd' is no module's name, and no file's, which ends in .py"
    )
    assert problem(str(tmp_path / "no.py")).startswith(f"plugins: there is no file '{tmp_path}/no.py'")
    (tmp_path / "folder.py").mkdir()
    assert problem(str(tmp_path / "folder.py")).endswith("folder.py' cannot be read: Is a directory")


def test_a_module_that_is_named_twice_is_loaded_once(tmp_path: Path) -> None:
    name = written(tmp_path / "parts.py", SCHEDULE.format(factor=0.5))
    assert [plugin.name for plugin in load_all([name, name])] == [name]


@pytest.mark.slow
def test_an_installed_package_joins_by_its_entry_point(tmp_path: Path) -> None:
    written(tmp_path / "my_package.py", SCHEDULE.format(factor=0.5))
    about = tmp_path / "my_package-1.0.dist-info"
    written(about / "METADATA", "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    written(about / "entry_points.txt", "[runner.plugins]\nmine = my_package\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from runner.plugins.load import load_all\n"
        "print([plugin.name for plugin in load_all([])])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['my_package']"
