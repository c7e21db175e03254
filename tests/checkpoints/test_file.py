"""A checkpoint is whole or not there, and none of its bits can change unnoticed."""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from runner.checkpoints.file import CHECKPOINTS, checkpoints_in, newest, read, sealed, write
from runner.errors import CheckpointError
from runner.training.snapshot import Snapshot
from tests.conftest import Injected
from tests.faults.strange import assert_lines, cases, damages


def snapshot(epoch: int = 3) -> Snapshot:
    generator = torch.Generator().manual_seed(epoch)
    return Snapshot(
        epoch,
        {
            "store.params": torch.randn(37, generator=generator),
            "rule.count": torch.tensor(5.0, dtype=torch.float64),
            "order": generator.get_state(),
            "store.buffers": torch.empty(0),
        },
        {"history": [{"train/loss": 0.1 + 0.2, "test/loss": float("nan")}], "rule": {"step": 3, "v": None}},
    )


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, snapshot(), {"run_id": "a", "config": {"seed": 1, "name": "ü"}})
    found = read(path)
    assert found.about == {"run_id": "a", "config": {"seed": 1, "name": "ü"}}
    assert found.snapshot.epoch == 3
    assert found.snapshot.values["history"][0]["train/loss"] == 0.1 + 0.2
    assert found.snapshot.values["rule"] == {"step": 3, "v": None}
    for name, tensor in snapshot().tensors.items():
        assert found.snapshot.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.snapshot.tensors[name], tensor)


@pytest.mark.parametrize("examples", [20, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_file_damaged_in_any_way_is_told_of_in_one_line(
    suffix: str, examples: int, tmp_path: Path, injected: Injected
) -> None:
    """Bytes flipped, replaced, cut off, put in or added; what is read is what was written."""
    path = write(tmp_path, snapshot(), {"run_id": "a"})
    file = path.with_suffix(suffix)
    whole = file.read_bytes()

    def read_damaged(damage: Callable[[bytes], bytes]) -> None:
        damaged = damage(whole)
        file.write_bytes(damaged)
        if damaged == whole:
            assert read(path).snapshot.epoch == 3
            return
        with pytest.raises(CheckpointError) as caught:
            read(path)
        assert_lines([str(caught.value)])

    count = cases(examples, read_damaged, damages())
    assert count >= examples
    injected(count)


def test_a_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    assert newest(tmp_path / CHECKPOINTS) is None


def test_of_a_thousand_flipped_bits_none_goes_unnoticed(tmp_path: Path, injected: Injected) -> None:
    path = write(tmp_path, snapshot(), {"run_id": "a"})
    files = {file: file.read_bytes() for file in (path, path.with_suffix(".safetensors"))}
    bits = [(file, bit) for file, whole in files.items() for bit in range(8 * len(whole))]
    noticed = 0
    for file, bit in random.Random(0).sample(bits, 1000):
        damaged = bytearray(files[file])
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="epoch-0000003"):
            read(path)
        noticed += 1
        file.write_bytes(files[file])
    assert noticed == 1000
    injected(noticed)
    read(path)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_truncated_file_is_told_of_in_one_line(suffix: str, tmp_path: Path, injected: Injected) -> None:
    path = write(tmp_path, snapshot(), {"run_id": "a"})
    file = path.with_suffix(suffix)
    whole = file.read_bytes()
    for tenth in range(10):
        file.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(CheckpointError) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "damaged" in str(caught.value)
        assert "\n" not in str(caught.value)
    injected(10)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"content": 3}', "[" * 100_000, '{"content": {"format": 2}}']
)
def test_json_that_is_no_checkpoint_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "epoch-0000001.json"
    path.write_text(text)
    with pytest.raises(CheckpointError, match="damaged"):
        read(path)


def test_when_the_newest_is_damaged_the_one_before_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, snapshot(3), {})
    damaged = write(tmp_path, snapshot(4), {})
    damaged.with_suffix(".safetensors").write_bytes(b"")
    found = newest(tmp_path)
    assert found is not None
    assert found.snapshot.epoch == 3
    assert f"{damaged}: is damaged" in caplog.text


def test_when_all_are_damaged_that_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, snapshot(), {}).write_text("{}")
    with pytest.raises(CheckpointError):
        newest(tmp_path)


def test_tensors_without_their_json_are_no_checkpoint(tmp_path: Path) -> None:
    """It is written last."""
    write(tmp_path, snapshot(), {}).unlink()
    assert newest(tmp_path) is None


def test_a_checkpoint_that_claims_to_be_whole_runs_no_code(tmp_path: Path) -> None:
    """Its tensors are safetensors, whatever the file holds."""
    path = write(tmp_path, snapshot(), {})
    torch.save({"a": torch.zeros(1)}, path.with_suffix(".safetensors"))
    content = json.loads(path.read_text())["content"]
    content["tensors"] = hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest()
    text = json.dumps(content, separators=(",", ":"))
    path.write_text(f'{{"sha256":"{hashlib.sha256(text.encode()).hexdigest()}","content":{text}}}\n')
    with pytest.raises(CheckpointError, match="no safetensors"):
        read(path)


def test_names_sort_by_epoch(tmp_path: Path) -> None:
    for epoch in (9, 10, 100):
        write(tmp_path, snapshot(epoch), {})
    assert [read(path).snapshot.epoch for path in checkpoints_in(tmp_path)] == [100, 10, 9]


WRONG: list[dict[str, object]] = [{"about": []}, {"values": None}, {"epoch": "1"}]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_sealed_checkpoint_of_wrong_kinds_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = write(tmp_path, Snapshot(1, {"params": torch.zeros(2)}, {}), {"run_id": "a", "config": {}})
    content = json.loads(path.read_bytes())["content"]
    path.write_bytes(sealed(content | wrong))
    with pytest.raises(CheckpointError, match="should be in it"):
        read(path)
    path.write_bytes(sealed({key: value for key, value in content.items() if key not in wrong}))
    with pytest.raises(CheckpointError, match="is damaged"):
        read(path)
