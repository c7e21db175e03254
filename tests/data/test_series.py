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


def test_targets_that_are_missing_are_neither_filled_nor_scored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    steps = np.arange(60)
    values = np.sin(steps / 3)
    gaps = (5, 20, 21, 50)
    cells = [("?" if step in gaps else f"{value:.6f}") for step, value in zip(steps, values, strict=True)]
    (tmp_path / "a.csv").write_text(
        "\n".join(["other;fast", *(f"{step};{cell}" for step, cell in enumerate(cells))])
    )
    series = Series(
        root=tmp_path,
        file=Path("a.csv"),
        window=4,
        horizon=2,
        forecast=("fast",),
        separator=";",
        val=0.25,
        limit=20,
    )
    data = series.load()
    assert "13 of the train part's 43 windows" not in caplog.text
    observed = [step not in gaps for step in steps]
    for part, split, first, last in (("train", data.train, 0, 48), ("test", data.test, 44, 60)):
        starts = [start for start in range(first, last - 5) if observed[start + 4] and observed[start + 5]]
        count = last - 5 - first
        assert f"{count - len(starts)} of the {part} part's {count} windows are left out" in caplog.text
        targets = split.with_units(None).targets.numpy()
        np.testing.assert_allclose(targets, [values[start + 4 : start + 6] for start in starts], atol=1e-5)
        scales = json.loads(data.preprocessing[SERIES])["columns"]
        inputs = split.samples[:, :, 0].double().numpy() * scales[0]["std"] + scales[0]["mean"]
        np.testing.assert_allclose(inputs, [steps[start : start + 4] for start in starts], atol=1e-4)
    learnt = [start for start in range(43) if observed[start + 4] and observed[start + 5]][:15]
    fitted = json.loads(data.preprocessing[SERIES])["columns"][0]
    assert fitted["mean"] == pytest.approx(steps[: learnt[-1] + 6].mean())
    other = (
        Series(root=tmp_path, file=Path("a.csv"), window=4, horizon=2).as_learnt(data.preprocessing).load()
    )
    assert torch.equal(other.test.samples, data.test.samples), "read by what the model keeps"


def test_a_series_without_a_whole_target_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "1\n2\n?\n" * 20)
    with pytest.raises(DataError, match="of its train part no window has all values that are forecast"):
        Series(root=tmp_path, file=Path("a.csv"), window=4, horizon=3).load()
