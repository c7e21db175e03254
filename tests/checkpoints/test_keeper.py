"""The best and the newest checkpoints are kept, and no failure to write one ends a training."""

from pathlib import Path

import pytest
import torch

from runner.checkpoints.file import checkpoints_in, newest, read
from runner.checkpoints.keeper import Keeper
from runner.errors import CheckpointError
from runner.training.snapshot import Snapshot


def snapshot(epoch: int) -> Snapshot:
    return Snapshot(epoch, {"store.params": torch.full((3,), float(epoch))}, {})


def epochs_in(folder: Path) -> list[int]:
    return [read(path).snapshot.epoch for path in checkpoints_in(folder)]


def shown(keeper: Keeper, epochs: int, best: int = 1) -> None:
    for epoch in range(1, epochs + 1):
        keeper.show(snapshot(epoch), min(best, epoch))
        if keeper._writer is not None:
            keeper._writer.join()


def test_the_newest_two_and_the_best_are_kept(tmp_path: Path) -> None:
    with Keeper(tmp_path, 1, {"run_id": "a"}) as keeper:
        shown(keeper, 6, best=2)
    assert epochs_in(tmp_path) == [6, 5, 2]
    assert read(checkpoints_in(tmp_path)[0]).about == {"run_id": "a"}


def test_every_so_many_epochs_and_the_last(tmp_path: Path) -> None:
    with Keeper(tmp_path, 3, {}) as keeper:
        shown(keeper, 7)
        assert epochs_in(tmp_path) == [6, 3]
    assert epochs_in(tmp_path) == [7, 6]


def test_within_so_many_seconds_only_the_last_is_written(tmp_path: Path) -> None:
    with Keeper(tmp_path, 3600.0, {}) as keeper:
        shown(keeper, 5)
        assert epochs_in(tmp_path) == []
    assert epochs_in(tmp_path) == [5]


def test_none_are_written_if_none_are_wanted(tmp_path: Path) -> None:
    with Keeper(tmp_path, None, {}) as keeper:
        shown(keeper, 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_training_leaves_its_last_epoch(reason: type[BaseException], tmp_path: Path) -> None:
    def interrupted() -> None:
        with Keeper(tmp_path, 3600.0, {}) as keeper:
            shown(keeper, 4)
            raise reason

    with pytest.raises(reason):
        interrupted()
    assert epochs_in(tmp_path) == [4]


def test_what_a_crash_has_left_is_removed(tmp_path: Path) -> None:
    for name in ("epoch-0000001.safetensors.unfinished", "epoch-0000002.safetensors"):
        (tmp_path / name).write_bytes(b"half")
    with Keeper(tmp_path, 1, {}) as keeper:
        shown(keeper, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-0000001.json",
        "epoch-0000001.safetensors",
    ]


def test_a_checkpoint_that_cannot_be_written_is_told_of_and_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    with Keeper(folder, 1, {}) as keeper:
        shown(keeper, 2)
        assert f"no checkpoint of epoch 1 in {folder}: File exists" in caplog.text
        assert len(caplog.records) == 1, "what is known is not told again"
        folder.unlink()
        shown(keeper, 3)
        folder.rename(tmp_path / "aside")
        folder.write_text("no folder again")
        shown(keeper, 5)
    assert len(caplog.records) == 2, "what comes back is"


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    """An epoch that ends meanwhile has none of its own, unless it is the last."""
    with Keeper(tmp_path, 1, {}) as keeper:
        for epoch in range(1, 51):
            keeper.show(snapshot(epoch), 1)
    found = newest(tmp_path)
    assert found is not None
    assert found.snapshot.epoch == 50


def test_another_runs_checkpoints_in_the_folder_are_neither_removed_nor_overwritten(tmp_path: Path) -> None:
    with Keeper(tmp_path, 1, {"run_id": "aaaa1111"}) as keeper:
        shown(keeper, 3)
    others = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert epochs_in(tmp_path) == [3, 2, 1]
    with Keeper(tmp_path, 1, {"run_id": "bbbb2222"}) as keeper:
        shown(keeper, 6, best=2)
    assert {name: (tmp_path / name).read_bytes() for name in others} == others
    found = [read(path) for path in checkpoints_in(tmp_path, {"run_id": "bbbb2222"})]
    assert [each.snapshot.epoch for each in found] == [6, 5, 2]
    for run_id, epoch in (("aaaa1111", 3), ("bbbb2222", 6)):
        own = newest(tmp_path, run_id)
        assert own is not None
        assert (own.about["run_id"], own.snapshot.epoch) == (run_id, epoch)


def test_where_all_of_a_runs_own_are_damaged_no_other_is_taken(tmp_path: Path) -> None:
    for run_id, epochs in (("aaaa1111", 1), ("bbbb2222", 2)):
        with Keeper(tmp_path, 1, {"run_id": run_id}) as keeper:
            shown(keeper, epochs)
    for path in checkpoints_in(tmp_path, {"run_id": "aaaa1111"}):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="aaaa1111"):
        newest(tmp_path, "aaaa1111")


def test_checkpoints_that_an_earlier_version_has_named_are_found(tmp_path: Path) -> None:
    with Keeper(tmp_path, 1, {"run_id": "aaaa1111"}) as keeper:
        shown(keeper, 2)
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_name(path.name.replace("-aaaa1111", "")))
    own = newest(tmp_path, "aaaa1111")
    assert own is not None
    assert own.snapshot.epoch == 2
