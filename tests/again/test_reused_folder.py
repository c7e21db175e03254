"""A folder that several runs have used (``hydra.run.dir=fixed``) gives each of them its own back."""

from pathlib import Path

import runner
from runner.checkpoints.file import CHECKPOINTS, checkpoints_in
from runner.experiment import Result
from tests.again.test_resume import resume_by, rows
from tests.conftest import client_of

WORDS = (
    "data=iris", "train.checkpoint_every=1", "tracking.log_model=false", "tracking.pictures=false",
    "hydra.run.dir=outputs/fixed",
)  # fmt: skip


def trained(*words: str) -> Result:
    return runner.run([*WORDS, *words])


def test_each_run_goes_on_from_its_own_checkpoints(in_tmp_path: Path, one_thread: None) -> None:
    alone = trained("train.epochs=4", "hydra.run.dir=outputs/alone")
    first = trained("train.epochs=2")
    second = trained("train.epochs=3", "seed=1")
    assert len(checkpoints_in(first.folder / CHECKPOINTS)) >= 4
    for run_id, epochs in ((first.run_id, 4), (second.run_id, 4)):
        assert resume_by(f"run={run_id}", f"train.epochs={epochs}") == 0
        client = client_of(in_tmp_path)
        assert rows(in_tmp_path, client.get_run(run_id), "test/loss") == [1, 2, 3, 4]
    metrics = client_of(in_tmp_path).get_run(first.run_id).data.metrics
    assert metrics["test/loss"] == alone.epochs[-1].metrics["test/loss"]


def test_a_run_that_has_no_checkpoint_of_its_own_begins_anew_as_it_was(
    in_tmp_path: Path, one_thread: None
) -> None:
    first = trained("train.epochs=2", "seed=7")
    for path in checkpoints_in(first.folder / CHECKPOINTS):
        path.unlink()
    trained("train.epochs=3", "seed=1", "optim.lr=0.2")
    client = client_of(in_tmp_path)
    client.set_terminated(first.run_id, "KILLED")
    assert resume_by(f"run={first.run_id}") == 0
    run = client.get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert rows(in_tmp_path, run, "test/loss") == [1, 2]
    expected = first.epochs[-1].metrics
    assert {name: run.data.metrics[name] for name in ("train/loss", "test/loss", "lr")} == {
        name: expected[name] for name in ("train/loss", "test/loss", "lr")
    }
