"""The note says in Markdown what was run, what came of it, and how to do it again."""

from dataclasses import replace
from pathlib import Path

import pytest

from runner.config.plain import Plain
from runner.process.launch import Launch
from runner.tracking.data_input import DataInput
from runner.tracking.note import LENGTH, NO_RESULT, RUN_ID, Note
from tests.config.test_check import plain

LAUNCH = Launch(Path("run"), "mlp", (), "python -m runner optim.lr=0.3")
TAGS = {"device": "cpu", "parameters": "9610", "workers": "1"}


@pytest.fixture
def config(in_tmp_path: Path) -> Plain:
    return plain()


def trained(config: Plain, launch: Launch = LAUNCH) -> Note:
    note = Note(config, launch, TAGS)
    note.data = DataInput(config["data"], "digest", {"train": 1437, "test": 360}, (1, 8, 8), (10,))
    for epoch, loss in enumerate([2.0, 0.5, 0.75], 1):
        note.measure({"train/loss": loss / 2, "test/loss": loss, "time/epoch_seconds": 0.25}, epoch)
    return note


def test_before_its_end_a_run_has_no_result(config: Plain) -> None:
    text = Note(config, LAUNCH, TAGS).text()
    assert text.startswith(NO_RESULT)
    assert "| model | mlp, 9,610 parameters |" in text
    assert f"python -m runner rerun={RUN_ID}" in text


def test_a_finished_run_tells_its_last_and_its_best_epoch(config: Plain) -> None:
    note = trained(config)
    note.measure({"best/test/loss": 0.5, "final/train_loss": 0.3}, 3)
    text = note.text("FINISHED")
    assert text.startswith("**FINISHED** after 3 of 20 epochs, 0.75 s of training.")
    assert "|  | last: epoch 3 | best: epoch 2 |" in text
    assert "| test/loss | 0.75 | 0.5 |" in text
    assert "with the weights that are kept: loss 0.3." in text
    assert r"| data | digits: 1,437 in train, 360 in test; inputs \[1, 8, 8\], outputs \[10\] |" in text
    assert "```sh\npython -m runner optim.lr=0.3\n```" in text
    assert "resume=" not in text


def test_a_failed_run_says_why(config: Plain) -> None:
    text = Note(config, LAUNCH, TAGS).text("FAILED", "no such file: ```x```")
    assert text.startswith("**FAILED** before an epoch was over.\n\n````\nno such file: ```x```\n````")


def test_a_killed_run_says_how_to_go_on_but_a_job_of_a_sweep_does_not(config: Plain) -> None:
    assert f"python -m runner resume={RUN_ID}" in trained(config).text("KILLED", "KeyboardInterrupt")
    job = trained(config, replace(LAUNCH, job=3)).text("KILLED", "the sweep was stopped")
    assert "resume=" not in job
    assert "Job 3 of the sweep" in job


def test_a_store_that_is_not_taken_without_is_named_its_secret_is_not(config: Plain) -> None:
    config["tracking"]["uri"] = "https://me:secret@host"
    config["data"]["root"] = "ftp://me:secret@host"
    launch = replace(LAUNCH, command="python -m runner tracking.uri=https://me:secret@host")
    text = Note(config, launch, TAGS).text()
    assert "tracking.uri=" in text
    assert "secret" not in text


def test_however_much_there_is_to_say_a_store_takes_it(config: Plain) -> None:
    note = Note(config, replace(LAUNCH, command="x" * 9000), TAGS)
    note.measure({f"test/metric_{number}": 0.123456789 for number in range(200)}, 1)
    text = note.text("FAILED", "y" * 9000)
    assert len(text) < LENGTH, "nothing is cut off in the middle"
    assert text.endswith("```")


def test_of_a_config_that_is_wrong_there_is_something_to_say_too() -> None:
    text = Note({"optim": None, "train": "long", "data": {"type": 3}}, LAUNCH, {}).text("FAILED", "train: …")
    assert text.startswith("**FAILED** before an epoch was over.")
    assert "| data | 3 |" in text
