"""Windows over a time series, and what comes after each."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.data.series import SERIES, Series
from runner.errors import DataError
from tests.data.files import write_series


def test_targets_are_the_steps_after_a_window(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.stack([np.arange(20.0), np.arange(100.0, 120.0)], axis=1))
    data = Series(root=tmp_path, file=Path("a.npy"), window=3, horizon=2, test=0.5).load()
    scales = json.loads(data.preprocessing[SERIES])["columns"]

    def restored(values: torch.Tensor) -> list[list[float]]:
        return [
            (values[..., place] * scale["std"] + scale["mean"]).round().tolist()
            for place, scale in enumerate(scales)
        ]

    assert restored(data.train.samples[0]) == [[0, 1, 2], [100, 101, 102]]
    assert restored(data.train.targets[0].view(2, 2)) == [[3, 4], [103, 104]]
    assert restored(data.test.samples[0]) == [[7, 8, 9], [107, 108, 109]]
    assert restored(data.test.targets[-1].view(2, 2)) == [[18, 19], [118, 119]]
    assert (len(data.train), len(data.test)) == (6, 9)


def test_some_columns_are_seen_and_some_of_those_forecast(tmp_path: Path) -> None:
    series = write_series(tmp_path)
    one = replace(series, forecast=("fast",))
    assert (one.in_shape, one.out_shape) == ((4, 2), (2,))
    both = series.load()
    assert torch.equal(one.load().train.targets, both.train.targets.view(-1, 2, 2)[:, :, 1])
    assert replace(series, columns=("slow",)).in_shape == (4, 1)


def test_a_series_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    series = write_series(tmp_path)
    with pytest.raises(DataError, match=r"has no column 'quick'.*Known: fast, slow"):
        _ = replace(series, forecast=("quick",)).out_shape
    with pytest.raises(DataError, match="40 of its steps are too few for a window of 39 and 2 to forecast"):
        replace(series, window=39).load()


def test_another_series_is_scaled_by_what_a_model_keeps(tmp_path: Path) -> None:
    kept = write_series(tmp_path).load().preprocessing
    scales = {scale["name"]: scale for scale in json.loads(kept[SERIES])["columns"]}
    steps = np.arange(30.0)
    rows = [f"{step},{100 + step},{-step}" for step in steps]
    (tmp_path / "other.csv").write_text("\n".join(["fast,slow,new", *rows]) + "\n")
    other = Series(root=tmp_path, file=Path("other.csv"), window=4, horizon=2).as_learnt(kept)
    assert (other.in_shape, other.out_shape) == ((4, 2), (4,))
    window = other.load().train.samples[0].double()
    for place, (name, values) in enumerate([("slow", 100 + steps), ("fast", steps)]):
        scaled = torch.from_numpy((values[:4] - scales[name]["mean"]) / scales[name]["std"])
        torch.testing.assert_close(window[:, place], scaled, rtol=1e-5, atol=1e-5)


def test_forecasts_are_measured_in_the_series_own_units(tmp_path: Path) -> None:
    series = write_series(tmp_path)
    data, own = series.load(), replace(series, standardize_target=False).load()
    assert own.test.units is None
    torch.testing.assert_close(data.test.with_units(None).targets, own.test.targets)
    assert own.test.targets.view(-1, 2, 2)[:, :, 1].mean() > 9, "the fast one goes around 10"
