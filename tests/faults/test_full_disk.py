"""A disk that is full or may not be written: told in a line with its path; what was there stays whole."""

import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from runner.checkpoints.file import newest
from runner.commands.exit_code import tell
from runner.errors import RunnerError
from runner.tracking.log import history, run_log
from runner.trained.predictions import Predictions
from tests.conftest import run_in

FULL = Path("/dev/full")
MOUNT = shutil.which("mount")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if MOUNT is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill a disk but for so many bytes."""
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_bsize
    path = folder / "filling"
    with contextlib.suppress(OSError), path.open("wb") as file:
        file.write(bytes(free - leave))
    return path


def assert_whole(store: Path) -> None:
    """SQLite finds nothing wrong with it."""
    with contextlib.closing(sqlite3.connect(store)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_predictions_are_whole_or_as_they_were(small_disk: Path) -> None:
    target = small_disk / "said.csv"
    target.write_text("before")
    predictions = Predictions(np.zeros((400_000, 10), np.float32))
    with pytest.raises(RunnerError, match=rf"^{target}: cannot be written: No space left on device$"):
        predictions.write(target)
    assert [path.name for path in small_disk.iterdir()] == ["said.csv"]
    assert target.read_text() == "before"


def test_what_the_disk_refuses_is_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), shows_traceback=False) == 1
    assert capsys.readouterr().err == f"{Path.cwd()}/outputs: No space left on device: make room\n"
    assert tell(OSError(errno.EROFS, os.strerror(errno.EROFS), "outputs/x"), shows_traceback=False) == 1
    told = f"{Path.cwd()}/outputs/x: Read-only file system: start where you may write\n"
    assert capsys.readouterr().err == told


@pytest.mark.slow
def test_a_full_disk_ends_a_run_in_a_line_and_harms_no_store(small_disk: Path) -> None:
    quick = ("train.epochs=1", "tracking.log_model=false")
    assert run_in(small_disk, *quick).returncode == 0
    filling = fill(small_disk)
    done = run_in(small_disk, *quick)
    assert done.returncode == 1
    assert done.stderr == f"{small_disk}/outputs: No space left on device: make room\n"
    filling.unlink()
    assert_whole(small_disk / "outputs" / "mlflow.db")
    assert run_in(small_disk, *quick).returncode == 0


@pytest.mark.slow
def test_a_store_that_has_no_room_to_be_made_is_told(small_disk: Path) -> None:
    filling = fill(small_disk, leave=300_000)
    done = run_in(small_disk, "train.epochs=1")
    assert done.returncode == 1
    assert "database or disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    filling.unlink()
    assert run_in(small_disk, "train.epochs=1", "tracking.log_model=false").returncode == 0


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_is_told_in_a_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = run_in(small_disk, "train.epochs=1")
    assert done.returncode == 1
    assert done.stderr == f"{small_disk}/outputs: Read-only file system: start where you may write\n"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is full")
def test_a_log_that_cannot_be_written_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(FULL):
        history.info("one")
        history.info("two")
    assert capsys.readouterr().err == (
        f"{FULL}: the log can't be written: [Errno 28] No space left on device\n"
    )


@pytest.mark.slow
def test_checkpoints_without_room_are_told_once_and_training_goes_on(small_disk: Path) -> None:
    """The last one that was written loads, and the store, which lies on the same disk, is whole."""
    arguments = ("train.epochs=30", "train.checkpoint_every=1", "tracking.log_model=false")
    assert run_in(small_disk, *arguments).returncode == 0
    filling = fill(small_disk, leave=900_000)
    done = run_in(small_disk, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("no checkpoint of epoch") == 1
    assert "No space left on device (it takes 0.0" in done.stderr
    filling.unlink()
    assert_whole(small_disk / "outputs" / "mlflow.db")
    (folder,) = (small_disk / "outputs" / "runs").glob("*/*/checkpoints/*-0000030-*.json")
    found = newest(folder.parent)
    assert found is not None
    assert found.snapshot.epoch == 30
