"""A sweep's parent run, in a real store."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from runner.config.compose import SWEEP_RECORD, compose_run
from runner.process.launch import Launch
from runner.sweep.books import parent
from runner.sweep.callback import PARENT
from runner.tracking.tracked_run import TrackedRun
from tests.conftest import client_of


class Killed(BaseException):
    """Stands for ``kill -9``: nothing after it is done."""


@pytest.mark.parametrize("function", ["leave_uncommitted", "leave"])
def test_a_run_is_a_sweep_only_once_it_can_be_continued(
    function: str, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = in_tmp_path / "sweep"
    folder.mkdir()
    OmegaConf.save(OmegaConf.create({"hydra": {"overrides": {"task": ["seed=0,1"]}}}), folder / SWEEP_RECORD)
    plain, launch = compose_run([], None).plain, Launch(folder, "mlp", (), "command")

    def kill(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(TrackedRun if function == "leave" else parent, function, kill)
        with pytest.raises(Killed):
            parent.join(folder, plain, launch)
    client = client_of(in_tmp_path)
    (experiment,) = [each for each in client.search_experiments() if each.name == "runner"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert "sweep_id" not in run.data.tags
    assert not (folder / PARENT).exists()

    assert parent.join(folder, plain, launch) == run.info.run_id
    assert client.get_run(run.info.run_id).data.tags["sweep_id"] == run.info.run_id
    assert SWEEP_RECORD in [file.path for file in client.list_artifacts(run.info.run_id)]
