"""Values whose mean is far larger than what is around it, such as time stamps, keep their digits."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import sklearn.metrics as reference
import torch

import runner
from runner.commands import evaluate, predict
from runner.commands.arguments import parse
from runner.trained.export import export, read_torchscript
from runner.trained.run import find

pytestmark = pytest.mark.usefixtures("one_thread", "in_tmp_path")


def test_seconds_since_1970_are_learnt_measured_and_predicted_to_their_fractions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=120)
    table = pandas.DataFrame({"x": x, "y": 1.7e9 + 100 * x})
    table.to_csv("all.csv", index=False)
    table[80:].to_csv("test.csv", index=False)
    words = ["data=csv", "data.root=.", "data.file=all.csv", "data.test_file=test.csv", "data.label=y"]
    words += ["model=linear", "loss=mse", "optim.lr=0.3", "train.epochs=6", "train.metrics=[rmse,r2]"]
    result = runner.run([*words, "tracking.pictures=false"])
    metrics = result.epochs[-1].metrics
    asked = [f"run={result.run_id}", f"tracking.uri={result.tracking_uri}"]
    predict.predict(parse([*asked, "input=test.csv", "output=said.csv"], predict.KNOWN))
    said = pandas.read_csv("said.csv")["y"]
    assert metrics["test/rmse"] < 30  # of float32 each value would be a multiple of 128
    rmse = reference.root_mean_squared_error(table["y"][80:], said)
    assert metrics["test/rmse"] == pytest.approx(rmse, rel=1e-4)
    assert metrics["test/r2"] == pytest.approx(reference.r2_score(table["y"][80:], said), rel=1e-6)
    capsys.readouterr()
    assert evaluate.evaluate(parse(asked, evaluate.KNOWN)) == 0
    lines = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(lines["test/rmse"]) == pytest.approx(metrics["test/rmse"], rel=1e-4)
    run = find(result.tracking_uri, result.run_id)
    assert run.load_model(torch.device("cpu"), plugins=False).predict(np.zeros((1, 1))).dtype == np.float64


def test_a_file_that_is_exported_gives_them_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=60)
    pandas.DataFrame({"x": x, "y": 1.7e9 + 100 * x}).to_csv("all.csv", index=False)
    words = ["data=csv", "data.root=.", "data.file=all.csv", "data.label=y", "model=linear", "loss=mse"]
    predictor = runner.run([*words, "train.epochs=1", "tracking.pictures=false"]).predictor
    example = torch.linspace(-1, 1, 5)[:, None]
    assert export(predictor, example, "torchscript", tmp_path / "model.pt") < 1e-3
    given = read_torchscript(tmp_path / "model.pt", predictor)(example)
    outputs = predictor.outputs(example.numpy()).double().numpy()
    assert predictor.units is not None
    (mean,), (std,) = predictor.units.mean, predictor.units.std
    np.testing.assert_allclose(given, outputs * std + mean, rtol=1e-12)
