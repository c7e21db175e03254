"""A packed run is checked value by value before anything of it comes into a store."""

import json
import shutil
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import runner
from runner.commands.arguments import parse
from runner.commands.pack import KNOWN as PACK
from runner.commands.pack import pack
from runner.commands.unpack import KNOWN as UNPACK
from runner.commands.unpack import unpack
from runner.errors import ConfigError
from tests.conftest import runs_in

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, ready_store: Path) -> Files:
    """What is in the archive of a small run whose config has a password."""
    folder = tmp_path_factory.mktemp("origin")
    (folder / "outputs").mkdir()
    shutil.copy(ready_store, folder / "outputs" / "mlflow.db")
    quick = ["data=iris", "train.epochs=1", "train.checkpoint_every=1", "tracking.pictures=false"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runner.run([*quick, "data.root='s3://me:s3cr3t-word@bucket'"])
        (run,) = runs_in(folder)
        pack(parse([run.info.run_id, "output=run.zip"], PACK))
    with zipfile.ZipFile(folder / "run.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}


def archived(path: Path, files: Files) -> Path:
    known = {name: {"size": len(text), "sha256": sha256(text).hexdigest()} for name, text in files.items()}
    manifest = {"format": "runner run", "version": 1, "written_by": "x", "files": known}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def refused(folder: Path, files: Files) -> str:
    path = archived(folder / "a.zip", files)
    before = sorted(folder.rglob("*"))
    words = [str(path), f"folder={folder / 'run'}", f"tracking.uri=sqlite:///{folder}/mlflow.db"]
    with pytest.raises(ConfigError) as error:
        unpack(parse(words, UNPACK))
    assert sorted(folder.rglob("*")) == before
    return str(error.value)


def test_no_secret_is_packed(files: Files) -> None:
    assert not [name for name, content in files.items() if b"s3cr3t" in content]
    assert any(name.startswith("checkpoint/") for name in files)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["run_id"], "../x"), (["run_id"], 7), (["status"], "RUNNING"), (["status"], None),
        (["started"], "yesterday"), (["started"], -1), (["ended"], 1e300), (["ended"], 2**70),
        (["ended"], True),
        (["experiment"], ""), (["experiment"], ["a"]), (["name"], "x" * 1000), (["name"], None),
        (["params"], []), (["params", "optim.lr"], 0.3), (["params", "x" * 300], "1"),
        (["params", "a\nb"], "1"),
        (["params", "long"], "x" * 7000), (["tags", "threads"], "many"), (["tags", "threads"], "9" * 400),
        (["tags", "model"], None), (["tags", "model"], {"a": 1}), (["tags", ""], "x"),
        (["metrics"], {"train/loss": 0.5}), (["metrics", "train/loss"], [[1, 2, 3]]),
        (["metrics", "train/loss", 0, "value"], "0.5"), (["metrics", "train/loss", 0, "value"], None),
        (["metrics", "train/loss", 0, "step"], 1.5), (["metrics", "train/loss", 0, "step"], 2**80),
        (["metrics", "train/loss", 0, "time"], "now"), (["metrics", "train/loss", 0, "extra"], 1),
        (["data", "settings"], []), (["data", "digest"], "x" * 100), (["data", "sizes"], {"train": -1}),
        (["data", "in_shape"], [0]), (["data", "out_shape"], "3"),
        (["model"], None), (["model", "step"], -1), (["model", "in_shape"], [4.0]),
        (["model", "example"], "x"),
        (["model", "gives"], [["a", "b"]]), (["model", "gives"], [{"name": "a", "type": "pickle"}]),
        (["model", "folder"], "/etc"), (["registration"], {"name": "x"}), (["plugins"], ["evil.py"]),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(
    files: Files, tmp_path: Path, place: list[Any], value: object
) -> None:
    described: Any = json.loads(files["run.json"])
    *path, last = place
    inner = described
    for key in path:
        inner = inner[key]
    inner[last] = value
    told = refused(tmp_path, {**files, "run.json": json.dumps(described).encode()})
    assert "\n" not in told


def without(name: str) -> Callable[[Files], Files]:
    return lambda files: {key: text for key, text in files.items() if not key.startswith(name)}


def renamed(name: str) -> Callable[[Files], Files]:
    return lambda files: {**files, name: b"x"}


def with_bomb(files: Files) -> Files:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return {**files, "artifacts/config.yaml": "\n".join(lines).encode()}


def with_another_s_checkpoint(files: Files) -> Files:
    described = json.loads(files["run.json"])
    return {**files, "run.json": json.dumps({**described, "run_id": "0" * 32}).encode()}


def with_a_damaged_checkpoint(files: Files) -> Files:
    return {
        key: text[:-9] + b"x" * 9 if key.startswith("checkpoint/") else text for key, text in files.items()
    }


@pytest.mark.parametrize(
    "change",
    [
        without("run.json"), without("model/"), without("model/model.json"),
        lambda files: {**files, "run.json": b"{"},
        lambda files: {**files, "run.json": b"[" * 200_000},
        lambda files: {**files, "model/model.json": b"[]"},
        renamed("events.jsonl"), renamed("other/x"), renamed("artifacts/events.jsonl"),
        renamed("artifacts/.hydra/config.yaml"), renamed("artifacts/.model/x"),
        renamed("artifacts/events.sent"),
        renamed("artifacts/checkpoints/epoch-0000009.json"), renamed("artifacts/parent.json"),
        with_bomb, with_another_s_checkpoint, with_a_damaged_checkpoint,
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_run_is_refused(
    files: Files, tmp_path: Path, change: Callable[[Files], Files]
) -> None:
    told = refused(tmp_path, change(files))
    assert "\n" not in told


def test_tags_of_another_store_are_not_taken_over(
    files: Files, ready_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = json.loads(files["run.json"])
    described["tags"] |= {
        "runner.folder": "/etc", "runner.process": "host 1 2 3", "sweep_id": "s", "mlflow.parentRunId": "p",
        "runner.pack": "x", "unpacked_from": "y", "runner.host": "there",
    }  # fmt: skip
    (tmp_path / "outputs").mkdir()
    shutil.copy(ready_store, tmp_path / "outputs" / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    archived(tmp_path / "a.zip", {**files, "run.json": json.dumps(described).encode()})
    unpack(parse(["a.zip", "folder=run"], UNPACK))
    (run,) = runs_in(tmp_path)
    tags = run.data.tags
    assert tags["runner.folder"] == str(tmp_path / "run")
    assert tags["unpacked_from"] == described["run_id"]
    assert not {"runner.process", "sweep_id", "mlflow.parentRunId"} & tags.keys()


def test_a_folder_with_something_in_it_is_left_alone(files: Files, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("mine")
    assert "is there already, and not empty" in refused(tmp_path, files)
    assert (tmp_path / "run" / "mine").read_text() == "mine"
