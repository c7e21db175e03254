"""The files that a plugin imports from its own folder are part of it, wherever it is loaded."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import runner
from runner.errors import ConfigError
from runner.plugins.load import Plugin, load
from runner.plugins.source import digest_of
from runner.trained.serving import keep_plugins
from runner.trained.serving import load as load_model

TABLE = """
class Half:
    per_step = False

    def factor(self, moment):
        return 1.0

    def value(self):
        {lines}
        return {value}


SCHEDULES = {{"half": Half}}
"""


def folder_of(path: Path, files: dict[str, str]) -> str:
    """Write files; the path of the plugin among them, ``parts.py``."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return str(path / "parts.py")


def parts(head: str = "", value: str = "0", lines: str = "pass") -> str:
    return head + TABLE.format(value=value, lines=lines)


def value_of(plugin: Plugin) -> object:
    return plugin.tables["SCHEDULES"]["half"]().value()


X = {"helper.py": "x = 7"}
PACK = {"pack/__init__.py": "", "pack/a.py": "x = 7"}
ELSE = "try:\n    from nowhere_at_all import x\nexcept ImportError:\n    from helper import x\n"

IMPORTS = {
    "a module": {"parts.py": parts("import helper\n", "helper.x"), **X},
    "a name of a module": {"parts.py": parts("from helper import x as y\n", "y"), **X},
    "all names": {"parts.py": parts("from helper import *\n", "x"), **X},
    "in a function": {"parts.py": parts("", "x", "from helper import x"), **X},
    "relatively": {"parts.py": parts("from . import helper\n", "helper.x"), **X},
    "relatively, a name": {"parts.py": parts("from .helper import x\n", "x"), **X},
    "unless there is something better": {"parts.py": parts(ELSE, "x"), **X},
    "a package": {
        "parts.py": parts("import pack\n", "pack.x"),
        **PACK,
        "pack/__init__.py": "from .a import x",
    },
    "of a package": {"parts.py": parts("import pack.a\n", "pack.a.x"), **PACK},
    "from a package": {"parts.py": parts("from pack import a\n", "a.x"), **PACK},
    "of a folder": {"parts.py": parts("from bare.a import x\n", "x"), "bare/a.py": "x = 7"},
    "from a folder": {"parts.py": parts("from bare.deep import a\n", "a.x"), "bare/deep/a.py": "x = 7"},
    "one after another": {
        "parts.py": parts("from one import x\n", "x"),
        "one.py": "from pack.a import x",
        "pack/__init__.py": "",
        "pack/a.py": "from ..two import x",
        "two.py": "import three\nx = three.x",
        "three.py": "x = 7",
    },
    "in a circle": {
        "parts.py": parts("x = 7\nfrom helper import double\n", "double()"),
        "helper.py": "def double():\n    import parts\n    return parts.x",
    },
    "with dataclasses": {
        "parts.py": parts("from helper import X\n", "X().x"),
        "helper.py": (
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "from typing import ClassVar\n\n"
            "@dataclass(frozen=True)\nclass X:\n    y: ClassVar[int] = 1\n    x: int = 7\n"
        ),
    },
}
"""Files of which all are needed, by how they are imported."""


@pytest.mark.parametrize("how", IMPORTS)
def test_files_of_its_own_folder_are_imported_and_travel(how: str, tmp_path: Path) -> None:
    files, before = IMPORTS[how], (list(sys.path), set(sys.modules))
    plugin = load(folder_of(tmp_path / "there", files))
    assert value_of(plugin) == 7
    assert sys.path == before[0]
    assert {name for name in set(sys.modules) - before[1] if not name.startswith("runner_plugin_")} == set()
    layered = Plugin(plugin.name, {"LAYERS": {"half": object}}, plugin.module, plugin.source)
    (kept,) = keep_plugins(tmp_path / "model", {"a": {"type": "half"}}, [layered])
    travelled = (tmp_path / "model" / kept).parent
    found = {file.relative_to(travelled).as_posix() for file in travelled.rglob("*") if file.is_file()}
    assert found == set(files)
    again = load(str(tmp_path / "model" / kept))
    assert value_of(again) == 7
    assert again.digest == plugin.digest == digest_of(plugin.name)


@pytest.mark.parametrize("how", IMPORTS)
def test_the_digest_is_of_every_file(how: str, tmp_path: Path) -> None:
    name = folder_of(tmp_path, IMPORTS[how])
    digests = {digest_of(name)}
    for file in IMPORTS[how]:
        (tmp_path / file).write_text((tmp_path / file).read_text() + "\n# edited\n")
        digests.add(digest_of(name))
    assert len(digests) == 1 + len(IMPORTS[how])
    (tmp_path / "unheard_of.py").write_text("x = 8")
    assert digest_of(name) in digests


def test_two_plugins_each_have_their_own_file_of_one_name(tmp_path: Path) -> None:
    lazily = parts("", "helper.x", "import helper")
    one = load(folder_of(tmp_path / "a", {"parts.py": lazily, "helper.py": "x = 1"}))
    other = load(folder_of(tmp_path / "b", {"parts.py": lazily, "helper.py": "x = 2"}))
    third = load(
        folder_of(tmp_path / "c", {"parts.py": parts("import helper\n", "helper.x"), "helper.py": "x = 3"})
    )
    assert [value_of(each) for each in (one, other, third, one)] == [1, 2, 3, 1]
    assert "helper" not in sys.modules


def test_a_file_beside_goes_before_the_path_and_the_launch_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "elsewhere", {"helper.py": "x = 1"})
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    plugin = load(
        folder_of(tmp_path / "a", {"parts.py": parts("import helper\n", "helper.x"), "helper.py": "x = 2"})
    )
    assert value_of(plugin) == 2


def test_the_standard_library_and_the_runner_are_what_they_are(tmp_path: Path) -> None:
    files = dict.fromkeys(("json.py", "runner/__init__.py", "random.py"), "raise AssertionError")
    head = "import json\nfrom random import Random\nfrom runner.types import Shape\n"
    plugin = load(folder_of(tmp_path, files | {"parts.py": parts(head, "json.dumps(1), Shape")}))
    assert value_of(plugin) == ("1", runner.types.Shape)
    assert plugin.source is not None
    assert list(plugin.source.files) == ["parts.py"]


def test_a_folder_of_data_is_not_taken_for_an_installed_package(tmp_path: Path) -> None:
    head = "import numpy\nfrom numpy import linalg\n"
    plugin = load(folder_of(tmp_path, {"parts.py": parts(head, "numpy, linalg"), "numpy/linalg.py": "1 / 0"}))
    assert value_of(plugin) == (np, np.linalg)


def test_an_edited_file_beside_makes_other_code(tmp_path: Path) -> None:
    name = folder_of(tmp_path, {"parts.py": parts("import helper\n", "helper.x"), "helper.py": "x = 1"})
    first = load(name)
    assert load(name).tables["SCHEDULES"]["half"] is first.tables["SCHEDULES"]["half"]
    (tmp_path / "helper.py").write_text("x = 3")
    assert (value_of(load(name)), value_of(first)) == (3, 1)


@pytest.mark.parametrize(
    ("helper", "told"),
    [
        ("x = 1\n1 / 0\n", "line 2 of helper.py: ZeroDivisionError: division by zero"),
        ("x = 1\nclass A(\n", "line 2 of helper.py: SyntaxError: '(' was never closed"),
        ("import nowhere_at_all\n", "line 1 of helper.py: ModuleNotFoundError: No module named 'nowhere_"),
        ("from . import missing\n", "line 1 of helper.py: ImportError: cannot import name 'missing' from"),
        ("\nfrom .missing import x\n", "line 2 of helper.py: ModuleNotFoundError: No module named 'missing'"),
        ("from .... import x\n", "line 1 of helper.py: ImportError: attempted relative import beyond"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_beside_is_a_line_and_mended_by_an_edit(
    tmp_path: Path, helper: str, told: str
) -> None:
    name = folder_of(tmp_path, {"parts.py": parts("import helper\n", "helper.x"), "helper.py": helper})
    with pytest.raises(ConfigError) as error:
        load(name)
    (problem,) = error.value.problems
    assert problem.startswith(f"plugins: {name}, {told}")
    assert "runner_plugin_" not in problem
    (tmp_path / "helper.py").write_text("x = 5")
    assert value_of(load(name)) == 5


LAYER = """
import torch


class Bent:
    def __init__(self, scope, in_shape):
        self.out_shape = in_shape

    def forward(self, store, x):
        from bends.how import bend
        return bend(x)


LAYERS = {"bent": Bent}
"""
BEND = "import torch\n\ndef bend(x):\n    return torch.tanh(2 * x)\n"
QUICK = ["model.layers.a1.type=bent", "train.epochs=1", "tracking.pictures=false"]


def test_a_logged_model_carries_files_that_are_imported_while_it_computes(
    in_tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tmp_path_factory.mktemp("mine")
    name = folder_of(where, {"parts.py": LAYER, "bends/how.py": BEND})
    result = runner.run([f"plugins=[{name}]", *QUICK])
    for file in where.rglob("*.py"):
        file.unlink()
    (description,) = (in_tmp_path / "outputs" / "mlartifacts").rglob("model.json")
    assert json.loads(description.read_text())["plugins"] == ["plugins/0/parts.py"]
    monkeypatch.chdir(where)
    inputs = np.random.default_rng(0).random((3, 1, 8, 8), dtype=np.float32)
    weights = {name: value.numpy() for name, value in result.store.state_dict().items()}
    hidden = np.tanh(2 * (inputs.reshape(3, 64) @ weights["l1.W"] + weights["l1.b"]))
    expected = hidden @ weights["l2.W"] + weights["l2.b"]
    loaded = load_model(description.parent, plugins=True)
    np.testing.assert_allclose(loaded.predict(inputs), expected, atol=1e-5)


def test_what_a_file_beside_raises_is_told_with_part_file_and_line(in_tmp_path: Path) -> None:
    wrong = "import torch\n\ndef bend(x):\n    return {}[x.dim()]\n"
    name = folder_of(in_tmp_path, {"parts.py": LAYER, "bends/how.py": wrong})
    with pytest.raises(runner.errors.RunnerError) as error:
        runner.run([f"plugins=[{name}]", *QUICK, "tracking.log_model=false"])
    assert str(error.value) == f"model.layers.a1 (bent of {name}), line 4 of how.py: KeyError: 2"
