"""``python -m runner sync`` tells the store what it has missed: all of it, once, and of the dead alone."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Thread, Timer

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import UNAUTHENTICATED

import runner
from runner.commands.sync import sync
from runner.config.plain import Plain
from runner.process.launch import Launch
from runner.tracking import delivery, events
from runner.tracking.events import VANISHED
from runner.tracking.journal import EVENTS, SENT, Journal
from runner.tracking.location import Location
from runner.tracking.tracked_run import TrackedRun
from runner.tracking.tracker import Tracker
from tests.config.test_check import plain
from tests.conftest import client_of, runs_in
from tests.faults.killed import kill, start


@pytest.fixture
def config(in_tmp_path: Path) -> Plain:
    return plain()


def launch(folder: Path) -> Launch:
    folder.mkdir(exist_ok=True)
    return Launch(folder, "mlp", (), "command")


def losses(folder: Path) -> list[tuple[int, float]]:
    (run,) = runs_in(folder)
    rows = client_of(folder).get_metric_history(run.info.run_id, "train/loss")
    return sorted((row.step, row.value) for row in rows)


def steps(count: int) -> list[tuple[int, float]]:
    return [(step, step / 2) for step in range(1, count + 1)]


def test_an_offline_run_contacts_nothing_and_is_the_same_after_sync(in_tmp_path: Path) -> None:
    arguments = ["data=iris", "train.epochs=3"]
    there = runner.run(arguments)
    database = in_tmp_path / "outputs" / "mlflow.db"
    before = database.read_bytes()
    result = runner.run([*arguments, "tracking.offline=true"])
    assert result.run_id.startswith("local-")
    assert database.read_bytes() == before
    assert sync(in_tmp_path / "outputs") == 0
    sent, direct = runs_in(in_tmp_path)
    assert direct.info.run_id == there.run_id
    assert (sent.info.status, sent.info.run_name) == ("FINISHED", direct.info.run_name)
    changed = {key for key in sent.data.params if sent.data.params[key] != direct.data.params[key]}
    assert changed == {"tracking.offline"}
    assert sent.data.metrics["test/loss"] == direct.data.metrics["test/loss"]
    client = client_of(in_tmp_path)
    for name in ("train/loss", "test/loss", "lr"):
        one, other = (client.get_metric_history(run.info.run_id, name) for run in (sent, direct))
        assert [(row.step, row.value) for row in one] == [(row.step, row.value) for row in other]
    left = [{file.path for file in client.list_artifacts(run.info.run_id)} for run in (sent, direct)]
    assert left[0] == left[1]
    models = client.search_logged_models([sent.info.experiment_id])
    assert {model.source_run_id for model in models} == {sent.info.run_id, direct.info.run_id}
    assert sync(in_tmp_path / "outputs") == 0
    assert len(runs_in(in_tmp_path)) == 2


@pytest.mark.slow
def test_a_run_that_was_killed_is_sent_whole_and_marked(config: Plain, in_tmp_path: Path) -> None:
    config["tracking"]["offline"] = True
    (in_tmp_path / "run").mkdir()
    process, _ = start(json.dumps(config), in_tmp_path / "run", 200)
    assert sync(in_tmp_path) == 0
    assert client_of(in_tmp_path).get_experiment_by_name("runner") is None, "it goes on"
    kill(process)
    with (in_tmp_path / "run" / EVENTS).open("a") as file:
        file.write('{"kind": "metrics", "values": {"train/lo')  # as a power cut may leave it
    assert sync(in_tmp_path) == 0
    (run,) = runs_in(in_tmp_path)
    assert (run.info.status, run.data.tags["failure"]) == ("KILLED", VANISHED)
    assert losses(in_tmp_path) == steps(200)


def test_a_crash_at_any_line_loses_and_doubles_nothing(config: Plain, in_tmp_path: Path) -> None:
    config["tracking"]["offline"] = True
    with Tracker(config, launch(in_tmp_path / "run"), {}) as tracker:
        for step in range(1, 4):
            tracker.metrics({"train/loss": step / 2}, step)
    content = (in_tmp_path / "run" / EVENTS).read_bytes()
    lines = content.splitlines(keepends=True)
    assert sync(in_tmp_path) == 0
    for count in range(1, len(lines) + 1):  # sent up to some line, the note of which is lost or not
        (in_tmp_path / "run" / EVENTS).write_bytes(content)
        if count % 2:
            (run,) = runs_in(in_tmp_path)
            sent = {"offset": len(b"".join(lines[:count])), "run_id": run.info.run_id}
            sent |= {"experiment_id": run.info.experiment_id, "artifact_uri": run.info.artifact_uri}
            (in_tmp_path / "run" / SENT).write_text(json.dumps(sent))
        assert sync(in_tmp_path) == 0
        assert losses(in_tmp_path) == steps(3)
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


def test_two_at_a_time_send_once(config: Plain, in_tmp_path: Path) -> None:
    config["tracking"]["offline"] = True
    for number in range(4):
        with Tracker(config, launch(in_tmp_path / str(number)), {}) as tracker:
            for step in range(1, 101):
                tracker.metrics({"train/loss": step / 2}, step)
    threads = [Thread(target=sync, args=[in_tmp_path]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = runs_in(in_tmp_path)
    assert len(runs) == 4
    for run in runs:
        assert len(client_of(in_tmp_path).get_metric_history(run.info.run_id, "train/loss")) == 100


def test_a_server_that_is_not_there_is_one_line(
    config: Plain, in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config["tracking"] |= {"offline": True, "uri": "http://me:secret@127.0.0.1:9"}
    for number in range(2):
        with Tracker(config, launch(in_tmp_path / str(number)), {}):
            pass
    capsys.readouterr()
    assert sync(in_tmp_path, "http://127.0.0.1:9") == 1
    errors = capsys.readouterr().err
    assert len(errors.splitlines()) == 1
    assert "cannot be used" in errors
    assert "secret" not in errors


@pytest.mark.slow
def test_an_offline_run_that_was_killed_goes_on_and_tells_nothing_twice(
    config: Plain, in_tmp_path: Path
) -> None:
    config["tracking"]["offline"] = True
    (in_tmp_path / "run").mkdir()
    process, name = start(json.dumps(config), in_tmp_path / "run", 3)
    kill(process)
    with Tracker(config, launch(in_tmp_path / "run"), {}, name) as tracker:
        assert tracker.location.run_id == name
        for step in range(2, 6):
            tracker.metrics({"train/loss": step / 2}, step)
    assert sync(in_tmp_path) == 0
    assert losses(in_tmp_path) == steps(5)
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


def test_a_database_that_is_locked_for_a_while_loses_nothing(
    config: Plain, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "INTERVAL", 0.1)
    database = sqlite3.connect(in_tmp_path / "outputs" / "mlflow.db")
    with Tracker(config, launch(in_tmp_path / "run"), {}) as tracker, closing(database) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        for step in range(1, 51):
            tracker.metrics({"train/loss": step / 2}, step)
        assert time.monotonic() - started < 0.5, "training waits for nobody"
        time.sleep(1)
        other.rollback()
    assert losses(in_tmp_path) == steps(50)
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


@pytest.mark.slow
def test_a_database_that_is_locked_for_a_minute_loses_nothing(
    config: Plain, in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sqlite3.connect(in_tmp_path / "outputs" / "mlflow.db", check_same_thread=False)
    with Tracker(config, launch(in_tmp_path / "run"), {}) as tracker:
        other.execute("BEGIN EXCLUSIVE")
        unlock = Timer(60, other.rollback)
        unlock.start()
        for step in range(1, 51):
            tracker.metrics({"train/loss": step / 2}, step)
    unlock.join()
    other.close()
    assert losses(in_tmp_path) == steps(50)
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"
    assert "runner sync" not in capsys.readouterr().err


def test_a_journal_that_can_not_be_written_says_where(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "missing")
    with pytest.raises(runner.RunnerError, match=r"missing/events\.jsonl: what the run tells"):
        journal.append({"kind": "tags", "values": {}})


def test_a_store_that_is_gone_keeps_nothing_from_another_and_is_asked_once(
    config: Plain, in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config["tracking"]["offline"] = True
    here = config["tracking"]["uri"]
    for number, uri in enumerate(("http://127.0.0.1:9", here, "http://127.0.0.1:9", here)):
        config["tracking"]["uri"] = uri
        with Tracker(config, launch(in_tmp_path / str(number)), {}):
            pass
    capsys.readouterr()
    assert sync(in_tmp_path, "http://127.0.0.1:9") == 1
    assert [run.info.status for run in runs_in(in_tmp_path)] == ["FINISHED"] * 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "127.0.0.1:9" in line
    assert len(list(in_tmp_path.rglob(EVENTS))) == 2, "what could not be sent is kept"


def test_a_run_that_has_been_deleted_spoils_no_other(
    config: Plain, in_tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Location(config["tracking"]["uri"], "1", "0" * 32)
    (in_tmp_path / "0").mkdir()
    Journal(in_tmp_path / "0").append(events.continued(missing), events.measured({"a": 1.0}, 1))
    config["tracking"]["offline"] = True
    with Tracker(config, launch(in_tmp_path / "1"), {}):
        pass
    capsys.readouterr()
    assert sync(in_tmp_path) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "0" * 32 in line
    assert runs_in(in_tmp_path)[0].info.status == "FINISHED"


def test_a_server_that_lets_nobody_in_for_a_moment_is_asked_again(
    config: Plain, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config["tracking"]["offline"] = True
    with Tracker(config, launch(in_tmp_path / "run"), {}) as tracker:
        tracker.metrics({"train/loss": 0.5}, 1)
    original, calls = TrackedRun.log, []

    def shut(self: TrackedRun, *arguments: object) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise MlflowException("no", UNAUTHENTICATED)
        original(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(TrackedRun, "log", shut)
    assert sync(in_tmp_path) == 0
    assert losses(in_tmp_path) == steps(1)
