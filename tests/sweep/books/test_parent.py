"""A sweep's parent run, in a real store."""

import os
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from omegaconf import OmegaConf

from runner.commands.sync import sync
from runner.config.compose import SWEEP_RECORD, compose_run
from runner.process.launch import Launch
from runner.sweep.books import parent
from runner.tracking.location import PARENT, Location
from runner.tracking.sender import Sender
from runner.tracking.tracked_run import TrackedRun
from tests.conftest import client_of, runs_in


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


@pytest.mark.parametrize("place", ["_begin", "_head_sweep"])
def test_a_sweep_that_was_killed_while_its_parent_was_made_has_it_by_sync(
    folder: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Sender, place, lambda *arguments: os._exit(1))
        child = os.fork()
        if child == 0:
            join(folder)
        os.waitpid(child, 0)
    assert Location.found(folder / PARENT) is None
    assert sync(folder) == 0
    (run,) = runs_in(folder.parent)
    assert (run.info.status, run.data.tags["sweep_id"]) == ("KILLED", run.info.run_id)
    assert Location.read(folder / PARENT).run_id == run.info.run_id
    assert SWEEP_RECORD in [file.path for file in client_of(folder.parent).list_artifacts(run.info.run_id)]


def test_another_sweep_in_the_same_folder_has_a_parent_of_its_own(folder: Path) -> None:
    first = join(folder)
    (folder / PARENT).unlink()  # as each sweep does that starts
    assert join(folder) != first


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
