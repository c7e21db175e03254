"""A part of the training samples is set apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config.check import Config, check
from runner.config.compose import compose_run
from runner.data.dataset import Dataset, Split
from runner.data.digits import Digits
from runner.data.series import SERIES
from runner.data.synthetic import LinearMap
from runner.data.table import TABLE, Numeric, Table
from runner.data.validation import with_validation
from runner.errors import DataError
from runner.prepare import load
from runner.process.parallel import ALONE
from tests.data.files import write_series
from tests.data.test_sources import arrays_in


def config_of(*overrides: str) -> Config:
    return check(compose_run(list(overrides), None).plain)


def val_of(data: Dataset) -> Split:
    assert data.val is not None
    return data.val


def test_no_sample_is_lost_or_in_both_parts() -> None:
    whole = LinearMap(samples=200).load()
    data = with_validation(whole, 0.25, seed=0)
    assert (len(data.train), len(val_of(data))) == (120, 40)
    both = torch.cat([data.train.samples, val_of(data).samples])
    assert sorted(both.tolist()) == sorted(whole.train.samples.tolist())
    assert data.test is whole.test


def test_each_class_has_its_share() -> None:
    data = with_validation(Digits().load(), 0.2, seed=0)
    counts = val_of(data).targets.bincount() / (
        val_of(data).targets.bincount() + data.train.targets.bincount()
    )
    torch.testing.assert_close(counts, torch.full((10,), 0.2), atol=0.01, rtol=0)


def test_the_seed_picks_the_samples() -> None:
    data = Digits().load()
    parts = [val_of(with_validation(data, 0.2, seed)).samples for seed in (0, 0, 1)]
    assert torch.equal(parts[0], parts[1])
    assert not torch.equal(parts[0], parts[2])


def test_files_are_cut_and_stay_files(tmp_path: Path) -> None:
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", np.arange(40, dtype=np.float32).reshape(10, 4))
        np.save(tmp_path / f"{part}targets.npy", np.arange(10) % 2)
    data = with_validation(arrays_in(tmp_path, classes=2).load(), 0.3, seed=0)
    assert data.train.mapped
    assert val_of(data).mapped
    assert val_of(data).targets.tolist() == [1, 0, 1]
    assert len(data.train) == 7


def test_windows_over_a_series_are_cut(tmp_path: Path) -> None:
    """Picked ones would be known from their neighbours."""
    whole = write_series(tmp_path).load()
    data = with_validation(whole, 0.2, seed=0)
    assert torch.equal(torch.cat([data.train.targets, val_of(data).targets]), whole.train.targets)


def test_a_share_that_leaves_nothing_is_refused() -> None:
    split = Split(torch.zeros(3, 1), torch.zeros(3, 1))
    with pytest.raises(DataError, match=r"data.val: 0.1 of 3 samples leaves none to look at"):
        with_validation(Dataset(split, split), 0.1, seed=0)


def test_nothing_is_fitted_to_what_is_set_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "a,c,y\n" + "".join(f"{row or ''},c{row},{row / 7}\n" for row in range(40))
    )
    overrides = ["data=csv", f"data.root={tmp_path}", "data.file=a.csv", "data.label=y", "data.val=0.25"]
    for config in (
        config_of(*overrides, "model=regression", "loss=mse"),
        config_of("data=iris", "data.val=0.25"),
        config_of("data=diabetes", "data.val=0.25", "data.limit=100", "model=regression", "loss=mse"),
    ):
        data = load(config, torch.device("cpu"), ALONE)
        assert len(val_of(data)) == round(0.25 * (len(data.train) + len(val_of(data))))
        table = Table.from_json(data.preprocessing[TABLE])
        numbers = sum(isinstance(column, Numeric) for column in table.columns)
        learnt, apart = data.train.samples[:, :numbers], val_of(data).samples[:, :numbers]
        torch.testing.assert_close(learnt.mean(0), torch.zeros(numbers), atol=1e-5, rtol=0)
        torch.testing.assert_close(learnt.std(0, correction=0), torch.ones(numbers), atol=0.05, rtol=0)
        assert (apart.mean(0).abs() > 1e-3).any()
        if table.width > numbers:  # a category a row: none of those set apart is known
            assert table.width == config.source.in_shape[0] == 1 + len(data.train)
            assert not val_of(data).samples[:, 1:].any()


def test_a_series_is_scaled_by_the_windows_learnt_from(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(100.0))
    config = config_of(
        *("data=sequence", f"data.root={tmp_path}", "data.file=a.npy", "data.window=4", "data.val=0.5"),
        *("model=regression", "loss=mse"),
    )
    data = load(config, torch.device("cpu"), ALONE)
    (scale,) = json.loads(data.preprocessing[SERIES])["columns"]
    assert len(data.train) == 38
    assert scale["mean"] == np.arange(38 + 4).mean()
