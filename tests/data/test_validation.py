"""A part of the training samples is set apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from runner.config.check import Config, check
from runner.config.compose import compose_run
from runner.data.batches import Batches
from runner.data.dataset import Dataset, Split
from runner.data.digest import digest_of
from runner.data.digits import Digits
from runner.data.reconstruction import Reconstruction
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


class Fixed(LinearMap):
    """A source of one split."""

    def __init__(self, split: Split) -> None:
        super().__init__()
        object.__setattr__(self, "split", split)

    def load(self) -> Dataset:
        split: Split = vars(self)["split"]
        return Dataset(split, split)


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


def test_arrays_in_files_are_drawn_by_class_and_stay_in_files(tmp_path: Path) -> None:
    """Labels are sorted, so that the end of the file is one class alone."""
    labels = np.repeat(np.arange(4), [40, 20, 20, 20]).astype(np.int16)
    inputs = np.arange(400, dtype=np.float32).reshape(100, 4)
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", inputs)
        np.save(tmp_path / f"{part}targets.npy", labels)
    whole = arrays_in(tmp_path, classes=4).load()
    data, other = (with_validation(whole, 0.3, seed) for seed in (0, 1))
    for split in (data.train, val_of(data)):
        assert split.mapped
        assert split.samples.data_ptr() == whole.train.samples.data_ptr()  # nothing has been copied
    assert np.bincount(val_of(data).expected).tolist() == [12, 6, 6, 6]
    assert not torch.equal(val_of(data).inputs, val_of(other).inputs)
    rows = np.concatenate([split.inputs[:, 0] // 4 for split in (data.train, val_of(data))]).astype(int)
    assert sorted(rows) == list(range(100))
    np.testing.assert_array_equal(labels[rows], torch.cat([data.train.expected, val_of(data).expected]))
    assert digest_of(data) != digest_of(other)


def test_batches_of_a_part_of_a_file_are_those_of_the_same_rows_in_memory(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", draw.integers(0, 256, (60, 3, 5), np.uint8))
        np.save(tmp_path / f"{part}targets.npy", np.arange(60) // 20)
    mapped = arrays_in(tmp_path, classes=3).load()
    held = Split(mapped.train.samples.clone(), mapped.train.targets.clone())
    for seed in (0, 1):
        for pair in zip(
            *(
                (data.train.first(40), val_of(data))
                for data in (
                    with_validation(each, 0.25, seed) for each in (mapped, Dataset(held, mapped.test))
                )
            ),
            strict=True,
        ):
            for one, other in zip(
                *(Batches(split, 7, torch.Generator().manual_seed(3)) for split in pair), strict=True
            ):
                assert all(map(torch.equal, one, other))


def test_targets_that_are_pixels_are_what_a_model_is_to_give() -> None:
    split = Split(torch.tensor([[0, 51, 255]], dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    data = Reconstruction(Fixed(split)).load()
    torch.testing.assert_close(data.test.expected, torch.tensor([[0, 0.2, 1]]))


def test_classes_that_a_part_lacks_are_named(caplog: pytest.LogCaptureFixture) -> None:
    overrides = ["data=iris", "data.limit=20"]
    load(config_of("data=digits", "data.val=0.2"), torch.device("cpu"), ALONE)
    assert not caplog.messages
    load(config_of(*overrides, "data.val=0.1"), torch.device("cpu"), ALONE)
    (line,) = caplog.messages
    assert line.startswith("data: the validation part (2 samples) has none of 1 of the 3 classes: '")


def test_sorted_labels_that_are_limited_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for part in ("", "test_"):
        np.save(tmp_path / f"{part}inputs.npy", np.zeros((60, 2), np.float32))
        np.save(tmp_path / f"{part}targets.npy", np.arange(60) // 20)
    names = [f"data.{name}={name}.npy" for name in ("inputs", "targets", "test_inputs", "test_targets")]
    settings = ["data=arrays", f"data.root={tmp_path}", *names, "data.classes=14", "data.limit=20"]
    load(config_of(*settings), torch.device("cpu"), ALONE)
    absent = ", ".join(f"'{number}'" for number in range(1, 11))
    assert caplog.messages[0] == (
        f"data: the training part (20 samples) has none of 13 of the 14 classes: {absent} and 3 more"
    )


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
