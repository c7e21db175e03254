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
    answers = torch.cat([data.train.targets, data.test.targets]).numpy()
    ours = np.column_stack([restored, answers])
    theirs = np.column_stack([bunch.data, bunch.target])
    order, their_order = (np.lexsort(rows.round(3).T[::-1]) for rows in (ours, theirs))
    np.testing.assert_allclose(ours[order], theirs[their_order], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "accuracy"), [("iris", 0.95), ("wine", 0.95), ("breast_cancer", 0.95)])
def test_a_model_learns_the_classes(in_tmp_path: Path, name: str, accuracy: float) -> None:
    result = runner.run([f"data={name}", "train.batch_size=32", "tracking.log_model=false"])
    assert result.epochs[-1].metrics["test/accuracy"] >= accuracy


def test_a_linear_model_is_as_good_at_diabetes_as_scikit_learns_ridge(in_tmp_path: Path) -> None:
    """Measured: 3468 against 3479."""
    overrides = ["model=linear", "loss=mse", "optim=momentum", "optim.lr=0.1", "tracking.log_model=false"]
    ours = runner.run(["data=diabetes", *overrides]).objective
    data = Diabetes().load()
    ridge = Ridge().fit(data.train.samples.numpy(), data.train.targets.numpy().ravel())
    theirs = np.mean((ridge.predict(data.test.samples.numpy()) - data.test.targets.numpy().ravel()) ** 2)
    assert ours < 1.01 * theirs
