"""Journals that killed processes have left."""

import re
from pathlib import Path

import pytest

from runner.config.compose import compose_run
from runner.config.tracking_uri import tracking_uri
from runner.errors import TrackingError
from runner.process.launch import Launch
from runner.tracking import events
from runner.tracking.journal import EVENTS, Journal
from runner.tracking.resend import journals_in, resend
from runner.tracking.sender import Sender
from tests.conftest import runs_in


@pytest.mark.parametrize("content", ["", '{"kind": "beg'])
def test_a_journal_that_had_not_begun_is_forgotten(content: str, tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text(content)
    assert resend(tmp_path) == "tells nothing"
    assert journals_in(tmp_path) == []


def test_a_job_is_sent_though_the_store_had_gone_before_it_took_the_sweep(in_tmp_path: Path) -> None:
    folder = in_tmp_path / "sweep" / "0"
    folder.mkdir(parents=True)
    plain, launch = compose_run([], None).plain, Launch(folder, "mlp", (), "command", job=0)
    journal = Journal(folder)
    journal.append(
        events.begun(plain, launch, {}, events.now(), folder.parent),
        events.measured({"test/loss": 0.5}, 1, events.now()),
        *events.ended(folder, "FINISHED", None),
    )
    journal.close()
    assert "events sent" in resend(folder)
    (run,) = runs_in(in_tmp_path)
    assert (run.info.status, run.data.metrics["test/loss"]) == ("FINISHED", 0.5)
    assert "sweep_id" not in run.data.tags


def test_a_journal_that_is_told_but_not_forgotten_yet_is_forgotten(in_tmp_path: Path) -> None:
    """As a process leaves it that is killed between the two."""
    journal = Journal(in_tmp_path)
    journal.append(
        events.begun(compose_run([], None).plain, Launch(in_tmp_path, "mlp", (), "command"), {}),
        *events.ended(in_tmp_path, "FINISHED", None),
    )
    Sender(journal, tracking_uri()).send()
    journal.close()
    (run,) = runs_in(in_tmp_path)
    assert resend(in_tmp_path) == f"0 events sent to {tracking_uri()}, run {run.info.run_id}"
    assert journals_in(in_tmp_path) == []


@pytest.mark.parametrize("line", ["\0\0\0\0", '{"kind', "[1, 2]", "{}"])
def test_a_damaged_line_is_told_of_with_its_file(line: str, tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text(f"{line}\n")
    with pytest.raises(TrackingError, match=re.escape(f"{tmp_path / EVENTS}: damaged at byte 0")):
        resend(tmp_path)
