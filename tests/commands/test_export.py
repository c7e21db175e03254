"""A trained model as a file that needs no runner."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import runner
from runner.commands import export as command
from runner.commands.arguments import parse
from runner.data.digits import Digits
from runner.errors import ConfigError, RunnerError
from runner.experiment import Result
from runner.trained.export import FORMATS
from tests.conftest import CommandLine
from tests.data.test_table_file import write_shop

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.torch.jit.load. is deprecated:FutureWarning"),
]

QUICK = ["train.epochs=1", "optim=momentum"]


def exported(result: Result, kind: str, target: str, *more: str) -> Path:
    words = [f"run={result.run_id}", f"format={kind}", f"output={target}", *more]
    command.export(parse([*words, f"tracking.uri={result.tracking_uri}"], command.KNOWN))
    return Path(target)


@pytest.fixture
def digits(in_tmp_path: Path) -> Result:
    return runner.run(QUICK)


def logits(result: Result, inputs: torch.Tensor) -> Any:
    with torch.no_grad():
        return result.model.forward(result.store, inputs).numpy()


@pytest.mark.slow
def test_torchscript_is_loaded_without_the_runner(
    digits: Result, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = exported(digits, "torchscript", "digits.pt").absolute()
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith("digits.pt holds the model; its outputs differ from the model's by at most")
    )
    inputs = Digits().load().test.inputs[:7]
    np.save("inputs.npy", inputs.numpy())
    program = f"""
import json, sys, torch, numpy as np
about = {{"runner.json": ""}}
model = torch.jit.load({str(path)!r}, _extra_files=about)
np.save("outputs.npy", model(torch.from_numpy(np.load("inputs.npy"))).numpy())
assert json.loads(about["runner.json"])["outputs"] == "logits"
assert "runner" not in sys.modules
"""
    subprocess.run([sys.executable, "-I", "-c", program], check=True, cwd=tmp_path)
    np.testing.assert_allclose(np.load("outputs.npy"), logits(digits, inputs), atol=1e-5)


def test_safetensors_have_the_names_of_the_store(in_tmp_path: Path) -> None:
    write_shop(in_tmp_path)
    result = runner.run([*QUICK, "data=csv", "data.root=.", "data.file=shop.csv", "data.label=buys"])
    path = exported(result, "safetensors", "shop.safetensors")
    expected = result.store.state_dict()
    found = load_file(path)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    with safe_open(path, "pt") as file:
        about = file.metadata()
    assert json.loads(about["labels"]) == ["no", "yes"]
    assert json.loads(about["layers"])["l1"] == {
        "type": "linear", "out_features": 128, "init": {"type": "default"},
    }  # fmt: skip
    assert json.loads(about["out_shape"]) == [2]
    assert json.loads(about["table.json"])["label"] == "buys"


@pytest.mark.slow
def test_onnxruntime_gives_what_the_model_gives(digits: Result) -> None:
    from onnxruntime import InferenceSession

    session = InferenceSession(exported(digits, "onnx", "digits.onnx"))
    assert session.get_inputs()[0].shape == ["batch", 1, 8, 8]
    assert session.get_modelmeta().custom_metadata_map["task"] == "classification"
    inputs = Digits().load().test.inputs[:9]
    (outputs,) = session.run(["logits"], {"input": inputs.numpy()})
    np.testing.assert_allclose(outputs, logits(digits, inputs), atol=1e-5)


@pytest.mark.slow
def test_torch_s_own_modules_are_exported_but_not_traced(in_tmp_path: Path) -> None:
    Path("my/model").mkdir(parents=True)
    Path("my/model/mixed.yaml").write_text(
        "layers:\n  flat: {type: flatten}\n  e: {type: embedding, num_embeddings: 2, embedding_dim: 3}\n"
        "  r: {type: rnn, hidden_size: 4, bidirectional: true}\n"
        "  n: {type: torch.nn.BatchNorm1d, num_features: 8}\n  l: {type: linear}\n"
    )
    result = runner.run([*QUICK, "model=mixed", "data.limit=200"], config_dir="my")
    for kind in ("onnx", "safetensors"):
        assert exported(result, kind, f"mixed.{kind}").exists()
    with pytest.raises(RunnerError, match=r"^format: the model has no TorchScript form: The stateless API"):
        exported(result, "torchscript", "mixed.pt")  # torch does not trace modules whose values are lent


def test_a_regression_s_file_speaks_in_the_targets_own_units(in_tmp_path: Path) -> None:
    result = runner.run([*QUICK, "data=diabetes", "loss=mse"])
    path = exported(result, "torchscript", "diabetes.pt")
    module = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    values = module(torch.zeros(3, 10))
    assert values.shape == (3, 1)
    assert 50 < values.mean() < 300


def test_an_older_file_stays_where_the_outputs_differ(
    digits: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("digits.pt").write_text("older")
    monkeypatch.setattr("runner.trained.export.TOLERANCE", -1.0)
    with pytest.raises(RunnerError, match=r"differ from the model.s by .*, over -1$"):
        exported(digits, "torchscript", "digits.pt")
    assert Path("digits.pt").read_text() == "older"
    assert not list(Path().glob(".digits*"))


def test_a_layer_that_torch_cannot_follow_is_told_in_a_line(in_tmp_path: Path) -> None:
    Path("parts.py").write_text(
        "import torch\n\n\n"
        "class Twice:\n"
        "    def __init__(self, scope, in_shape):\n        self.out_shape = in_shape\n\n"
        "    def forward(self, store, x):\n        return torch.from_numpy(x.detach().numpy() * 2)\n\n\n"
        'LAYERS = {"twice": Twice}\n'
    )
    Path("my/model").mkdir(parents=True)
    Path("my/model/twice.yaml").write_text(
        "layers:\n  flat: {type: flatten}\n  t: {type: twice}\n  l: {type: linear}\n"
    )
    result = runner.run([*QUICK, "plugins=[./parts.py]", "model=twice"], config_dir="my")
    with pytest.raises(RunnerError, match="plugins"):
        exported(result, "torchscript", "twice.pt")
    with pytest.raises(RunnerError, match=r"^format: "):
        exported(result, "torchscript", "twice.pt", "plugins=true")
    assert not Path("twice.pt").exists()


def test_what_is_mistyped_is_told_before_anything_is_read(in_tmp_path: Path) -> None:
    assert tuple(FORMATS) == command.FORMATS
    words = ["run=nope", "format=onxx", "output=nowhere/b"]
    with pytest.raises(ConfigError) as error:
        command.export(parse(words, command.KNOWN))
    assert error.value.problems == [
        "format: unknown 'onxx'. Did you mean 'onnx'? Known: onnx, safetensors, torchscript",
        f"output: there is no folder '{in_tmp_path}/nowhere'",
    ]


@pytest.mark.slow
def test_the_command_line_says_where_the_model_is(digits: Result, command_line: CommandLine) -> None:
    words = [f"run={digits.run_id}", "format=safetensors", "output=digits.safetensors"]
    done = subprocess.run(
        [sys.executable, "-m", "runner", "export", *words], capture_output=True, text=True, check=False
    )
    told = "digits.safetensors holds the model; its outputs differ from the model's by at most 0\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, told, "")
