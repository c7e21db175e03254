"""A model that comes from anybody is loaded or refused in a line, whatever its files say."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from runner.build import build_model
from runner.config.layers import check_layers
from runner.errors import ConfigError
from runner.nn.store import ParameterStore
from runner.registry import BUILT_IN
from runner.trained import serving
from runner.trained.description import MODEL

LAYERS = {"l1": {"type": "linear", "out_features": 3}, "l2": {"type": "linear"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = ParameterStore()
    build_model(check_layers(BUILT_IN, LAYERS, 2, 2, []), (4,), store)
    store.seal(torch.Generator())
    serving.save(tmp_path, LAYERS, (4,), 2, "classification", store)
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as error:
        serving.load(folder)
    return str(error.value)


def deep(depth: int) -> str:
    return "[" * depth + "]" * depth


WHOLE = ["[]", '"text"', "null", "{}", "", "{", deep(5000)]

CHANGED: dict[str, list[Any]] = {
    "layers": [[], None, {"l1": []}, {"l1": {"type": "nothing"}}, {}],
    "in_shape": [4, [-4], [0], ["4"], [float("nan")], [10**13], [10**30], [], [1.5]],
    "outputs": [10**13, 10**11, -1, "2", None, 3],
    "task": ["anything", []],
    "plugins": [{}, [1]],
    "units": [[], {"mean": 1}, {"mean": [float("nan")], "std": [1.0]}],
    "link": ["other", 1],
}


@pytest.mark.parametrize("text", WHOLE, ids=range(len(WHOLE)))
def test_a_file_that_describes_no_model_is_refused(folder: Path, text: str) -> None:
    (folder / MODEL).write_text(text)
    line = refusal(folder)
    assert line.startswith("model.json: ")
    assert "\n" not in line


@pytest.mark.parametrize("key", CHANGED)
def test_a_value_of_another_kind_or_size_is_refused(folder: Path, key: str) -> None:
    description = json.loads((folder / MODEL).read_text())
    for value in CHANGED[key]:
        (folder / MODEL).write_text(json.dumps(description | {key: value}))
        assert len(refusal(folder).splitlines()) <= 5


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * 8, (2**62).to_bytes(8, "little"), (20).to_bytes(8, "little") + b"{" * 20],
    ids=["empty", "short", "endless header", "huge header", "no JSON"],
)
def test_weights_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    (folder / serving.WEIGHTS).write_bytes(content + b"\0" * 500)
    assert refusal(folder).startswith("weights.safetensors: not the weights of this model: ")


def test_weights_that_are_not_there_are_refused(folder: Path) -> None:
    (folder / serving.WEIGHTS).unlink()
    assert refusal(folder).startswith("weights.safetensors: not the weights of this model: ")


def test_a_model_of_an_earlier_version_is_loaded(folder: Path) -> None:
    description = json.loads((folder / MODEL).read_text())
    description = {key: value for key, value in description.items() if key not in ("units", "link")}
    (folder / MODEL).write_text(json.dumps(description | {"of_another_version": 1}))
    assert serving.load(folder).in_shape == (4,)
