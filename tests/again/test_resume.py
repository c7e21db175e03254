"""What cannot be gone on with is told in a line, and changes nothing of the run."""

import shutil
from pathlib import Path

import pytest
from mlflow.entities import Run

import runner
from runner.again.resume import MAKES_THE_RUN, resume
from runner.checkpoints.file import CHECKPOINTS
from runner.commands.arguments import parse
from runner.commands.resume import KNOWN
from runner.errors import CheckpointError, ConfigError, RunnerError
from tests.conftest import client_of, runs_in

SMALL = ("data=iris", "train.epochs=3", "tracking.log_model=false", "tracking.pictures=false")


@pytest.fixture
def run(in_tmp_path: Path, one_thread: None) -> Run:
    """One that has finished."""
    return client_of(in_tmp_path).get_run(runner.run(list(SMALL)).run_id)


def resume_by(*words: str) -> int:
    return resume(parse(words, KNOWN, MAKES_THE_RUN), "python -m runner", None)


def go_on(run: Run, *words: str) -> None:
    assert resume_by(f"run={run.info.run_id}", *words) == 0


def folder_of(run: Run) -> Path:
    return Path(run.data.tags["runner.folder"])


def rows(folder: Path, run: Run, name: str) -> list[int]:
    return [row.step for row in client_of(folder).get_metric_history(run.info.run_id, name)]


def test_a_finished_run_is_extended(run: Run, in_tmp_path: Path) -> None:
    go_on(run, "train.epochs=5")
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3, 4, 5]
    assert rows(in_tmp_path, run, "best/test/loss") == [3, 5], "what it came to each time"
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


def test_a_run_in_the_midst_of_which_a_file_was_damaged_goes_on_from_the_one_before(
    in_tmp_path: Path, one_thread: None, caplog: pytest.LogCaptureFixture
) -> None:
    run = client_of(in_tmp_path).get_run(runner.run([*SMALL, "train.checkpoint_every=1"]).run_id)
    wanted = {name: run.data.metrics[name] for name in ("train/loss", "test/loss")}
    (newest, *before) = sorted((folder_of(run) / CHECKPOINTS).glob("*.safetensors"), reverse=True)
    assert before
    newest.write_bytes(newest.read_bytes()[:-1])
    client_of(in_tmp_path).set_terminated(run.info.run_id, "KILLED")
    go_on(run)
    assert "is damaged" in caplog.text
    now = client_of(in_tmp_path).get_run(run.info.run_id).data.metrics
    assert {name: now[name] for name in wanted} == wanted
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "FINISHED after 3 epochs: train.epochs=6 has it train on"),
        (["train.epochs=2"], "train.epochs: 2 should be more than 3: so many epochs are done"),
        (["train.epochs=3"], "train.epochs: 3 should be more than 3"),
        (["optim.lr=0.3"], "optim.lr: has made the run what it is"),
        (["train.batch_size=7"], "train.batch_size: has made the run what it is"),
        (["data.limit=3"], "data.limit: has made the run what it is"),
        (["train.epochs=4", "data.changed=perhaps"], "data.changed: unknown 'perhaps'"),
        (["train.epochs=4", "train.max_time=-1"], "train.max_time: -1"),
    ],
)
def test_what_changes_nothing_or_too_much_is_refused(
    run: Run, in_tmp_path: Path, words: list[str], told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        go_on(run, *words)
    assert told in str(error.value)
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"
    assert runs_in(in_tmp_path)[0].data.params["train.epochs"] == "3"


def test_other_data_are_refused_unless_that_is_meant(in_tmp_path: Path, one_thread: None) -> None:
    table = in_tmp_path / "table.csv"
    table.write_text("x,y\n" + "".join(f"{n}.5,{n % 2}\n" for n in range(40)))
    words = ("data=csv", "data.root=.", "data.file=table.csv", "data.label=y", *SMALL[1:])
    run = client_of(in_tmp_path).get_run(runner.run(list(words)).run_id)
    before = table.read_text()
    table.write_text(before.replace("7.5,", "7.6,"))
    with pytest.raises(ConfigError, match=r"data\.type: 'csv' now has other data.*data\.changed=allow"):
        go_on(run, "train.epochs=5")
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3]
    table.write_text(before)
    go_on(run, "train.epochs=4")
    table.write_text(before.replace("7.5,", "7.6,"))
    go_on(run, "train.epochs=5", "data.changed=allow")
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3, 4, 5]


def test_a_deleted_run_says_so_and_is_resumed_once_it_is_restored(run: Run, in_tmp_path: Path) -> None:
    client, run_id = client_of(in_tmp_path), run.info.run_id
    client.delete_run(run_id)
    with pytest.raises(RunnerError, match=f"'{run_id}' is deleted: mlflow runs restore --run-id {run_id}$"):
        go_on(run, "train.epochs=5")
    client.restore_run(run_id)
    go_on(run, "train.epochs=5")
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3, 4, 5]


def test_a_run_whose_folder_is_gone_says_where_it_was(run: Run) -> None:
    shutil.rmtree(folder_of(run))
    with pytest.raises(RunnerError, match=rf"its folder, {folder_of(run)} on .*, is not here"):
        go_on(run, "train.epochs=5")


def test_a_finished_run_without_checkpoints_begins_not_anew(run: Run, in_tmp_path: Path) -> None:
    shutil.rmtree(folder_of(run) / CHECKPOINTS)
    with pytest.raises(RunnerError, match="is FINISHED, and has no checkpoint to go on from"):
        go_on(run, "train.epochs=5")
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


def test_a_stopped_run_without_checkpoints_begins_anew_as_it_was(run: Run, in_tmp_path: Path) -> None:
    """With other epochs a schedule would give its first ones other numbers than those that are told."""
    shutil.rmtree(folder_of(run) / CHECKPOINTS)
    client_of(in_tmp_path).set_terminated(run.info.run_id, "KILLED")
    with pytest.raises(ConfigError, match="has no checkpoint yet and begins anew, as it was"):
        go_on(run, "train.epochs=5")
    go_on(run)
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3]


def test_anothers_checkpoints_are_not_taken(run: Run, in_tmp_path: Path) -> None:
    other = client_of(in_tmp_path).get_run(runner.run([*SMALL, "seed=1"]).run_id)
    shutil.rmtree(folder_of(run) / CHECKPOINTS)
    shutil.copytree(folder_of(other) / CHECKPOINTS, folder_of(run) / CHECKPOINTS)
    with pytest.raises(CheckpointError, match=f"belongs to run '{other.info.run_id}'"):
        go_on(run, "train.epochs=5")


def test_in_a_folder_that_another_run_has_used_a_run_goes_on_from_its_own_checkpoints(
    run: Run, in_tmp_path: Path
) -> None:
    other = client_of(in_tmp_path).get_run(runner.run([*SMALL, "train.epochs=5", "seed=1"]).run_id)
    for file in (folder_of(other) / CHECKPOINTS).iterdir():
        if "-0000005-" in file.name:
            shutil.copy(file, folder_of(run) / CHECKPOINTS)
    go_on(run, "train.epochs=4")
    assert rows(in_tmp_path, run, "test/loss") == [1, 2, 3, 4]


def test_a_run_of_another_store_is_not_found_and_no_store_is_made(run: Run, in_tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="there is no store"):
        go_on(run, f"tracking.uri=sqlite:///{in_tmp_path}/other.db")
    assert not list(in_tmp_path.glob("*other*"))
    for name in ("nobody", "''", "../x"):
        with pytest.raises(RunnerError, match="there is no run"):
            resume_by(f"run={name}")


def test_a_run_that_is_in_no_store_yet_says_how_to_send_it(in_tmp_path: Path) -> None:
    result = runner.run([*SMALL, "tracking.offline=true"])
    with pytest.raises(RunnerError, match=r"is not in a store yet: python -m runner sync outputs sends it"):
        resume_by(f"run={result.run_id}")


def test_a_run_that_diverged_goes_on_from_its_last_good_epoch_and_diverges_again(
    in_tmp_path: Path, one_thread: None
) -> None:
    diverging = ("data=linear", "loss=mse", "model=linear", "optim.lr=3", "train.epochs=50")
    with pytest.raises(RunnerError) as first:
        runner.run([*diverging, "train.checkpoint_every=1"])
    (run,) = runs_in(in_tmp_path)
    with pytest.raises(RunnerError) as second:
        go_on(run)
    assert str(second.value) == str(first.value)
    (run,) = runs_in(in_tmp_path)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", str(first.value))
    told = rows(in_tmp_path, run, "train/loss")
    assert told == sorted(set(told)), "none is told twice"


def test_a_run_that_was_killed_when_its_model_was_there_leaves_no_second_one(
    in_tmp_path: Path, one_thread: None
) -> None:
    words = ["data=iris", "train.epochs=3", "train.checkpoint_every=1", "tracking.pictures=false"]
    result = runner.run([*words, "tracking.register=flowers"])
    client = client_of(in_tmp_path)

    def models() -> list[str]:
        return [str(each.model_id) for each in client.search_logged_models(["1"])]

    before = models()
    newest = max((result.folder / CHECKPOINTS).glob("*.safetensors"))
    newest.unlink()  # of the last epoch: one is trained once more
    client.update_run(result.run_id, status="RUNNING")
    go_on(client.get_run(result.run_id))
    assert models() == before
    assert len(client.search_model_versions("name = 'flowers'")) == 1
    go_on(client.get_run(result.run_id), "train.epochs=5")
    assert len(models()) == 2, "another model, after more epochs"
    assert len(client.search_model_versions("name = 'flowers'")) == 2
    assert not (result.folder / ".model").exists()
