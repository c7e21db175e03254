"""A sweep's parent run, in a real store."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from omegaconf import OmegaConf

from runner.config.compose import SWEEP_RECORD, compose_run
from runner.process.launch import Launch
from runner.sweep.books import parent
from runner.tracking.tracked_run import TrackedRun
from tests.conftest import client_of, runs_in

KILLED_MEANWHILE = """
import os, signal
from pathlib import Path
from runner.config.compose import compose_run
from runner.process.launch import Launch
from runner.sweep.books import parent

parent.leave_uncommitted = lambda client, run_id: os.kill(os.getpid(), signal.SIGKILL)
parent.join(Path("sweep"), compose_run([], None).plain, Launch(Path("sweep"), "mlp", (), "command"))
"""


@pytest.fixture
def folder(in_tmp_path: Path) -> Path:
    """A sweep's, with its config."""
    made = in_tmp_path / "sweep"
    made.mkdir()
    OmegaConf.save(OmegaConf.create({"hydra": {"overrides": {"task": ["seed=0,1"]}}}), made / SWEEP_RECORD)
    return made


def join(folder: Path) -> str:
    return parent.join(folder, compose_run([], None).plain, Launch(folder, "mlp", (), "command"))


def test_a_sweep_can_be_continued_from_its_beginning(folder: Path) -> None:
    sweep = join(folder)
    (run,) = runs_in(folder.parent)
    assert run.data.tags["sweep_id"] == sweep
    assert SWEEP_RECORD in [file.path for file in client_of(folder.parent).list_artifacts(sweep)]


@pytest.mark.slow
def test_a_run_that_was_killed_before_is_no_sweep(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_MEANWHILE], cwd=folder.parent)
    assert done.returncode == -signal.SIGKILL
    (run,) = runs_in(folder.parent)
    assert run.info.status == "RUNNING"
    assert "sweep_id" not in run.data.tags


def test_where_no_artifacts_can_be_left_jobs_belong_together_nevertheless(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise MlflowException("no room for artifacts")

    monkeypatch.setattr(TrackedRun, "leave", refuse)
    with pytest.raises(Exception, match="no room for artifacts"):
        join(folder)
    (run,) = runs_in(folder.parent)
    assert run.data.tags["sweep_id"] == join(folder)
