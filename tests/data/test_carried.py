"""The tables that scikit-learn carries are its own, and can be learnt as well as by its own models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import datasets
from sklearn.linear_model import Ridge

import runner
from runner.data.carried import Diabetes
from runner.data.table import TABLE, Numeric, Table
from runner.registry import SOURCES


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_a_table_is_scikit_learns(name: str) -> None:
    data = SOURCES[name]().load()
    scaled = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{name}")(**scaled)
    table = Table.from_json(data.preprocessing[TABLE])
    assert [column.name for column in table.columns] == list(bunch.feature_names)
    if name != "diabetes":
        assert table.classes == tuple(bunch.target_names)
    inputs = torch.cat([data.train.samples, data.test.samples]).double().numpy()
    scales = [column for column in table.columns if isinstance(column, Numeric)]
    restored = np.column_stack([s.restore(inputs[:, place]) for place, s in enumerate(scales)])
    answers = torch.cat([split.with_units(None).targets for split in (data.train, data.test)]).numpy()
    ours = np.column_stack([restored, answers])
    theirs = np.column_stack([bunch.data, bunch.target])
    order, their_order = (np.lexsort(rows.round(3).T[::-1]) for rows in (ours, theirs))
    np.testing.assert_allclose(ours[order], theirs[their_order], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "accuracy"), [("iris", 0.95), ("wine", 0.95), ("breast_cancer", 0.95)])
def test_a_model_learns_the_classes(in_tmp_path: Path, name: str, accuracy: float) -> None:
    result = runner.run(
        [f"data={name}", "train.batch_size=32", "tracking.log_model=false", "tracking.pictures=false"]
    )
    assert result.epochs[-1].metrics["test/accuracy"] >= accuracy


def ridges_error() -> float:
    """The root of the mean squared error of scikit-learn's own model, of the patients to test on."""
    data = Diabetes(standardize_target=False).load()
    ridge = Ridge().fit(data.train.samples.numpy(), data.train.targets.numpy().ravel())
    errors = ridge.predict(data.test.samples.numpy()) - data.test.targets.numpy().ravel()
    return float(np.sqrt(np.mean(errors**2)))


@pytest.mark.slow
@pytest.mark.parametrize("words", [["model=linear", "optim.lr=0.1"], ["model=regression", "optim.lr=0.5"]])
def test_a_model_is_as_good_at_diabetes_as_scikit_learns_ridge(in_tmp_path: Path, words: list[str]) -> None:
    """Measured: 59.18 and 58.34 against 58.98."""
    overrides = ["loss=mse", "optim=momentum", "tracking.log_model=false", "tracking.pictures=false", *words]
    ours = runner.run(["data=diabetes", *overrides]).epochs[-1].metrics["test/rmse"]
    assert ours < 1.01 * ridges_error()
