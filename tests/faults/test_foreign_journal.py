"""A journal that somebody else has written makes the runner read, write and delete nothing of the user's."""

import json
import os
import shlex
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runner.commands.sync import main, sync
from runner.process.launch import Launch
from runner.tracking import events
from runner.tracking.journal import EVENTS, LOCK, SENT, Event, Journal
from runner.tracking.location import PARENT
from runner.tracking.tracker import Tracker
from tests.config.test_check import plain
from tests.conftest import client_of, runs_in

SECRET = "what nobody else is to read"


@pytest.fixture
def victim(tmp_path: Path, in_tmp_path: Path) -> Path:
    """A folder of the user's, beside a run's."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "diary.txt").write_text(SECRET)
    return folder


def spooled(folder: Path, *told: Event, sweep: str | None = None, uri: str | None = None) -> Path:
    """A run's folder with a journal that nobody sends, of a run of the usual store if no other is named."""
    folder.mkdir(parents=True, exist_ok=True)
    begun = {**events.begun(plain(), Launch(folder, "mlp", (), "command"), {}), "sweep": sweep}
    begun["uri"] = uri or begun["uri"]
    Journal(folder).append(begun, *told, *events.ended(folder, "FINISHED", None))
    return folder


def model(folder: object, **fields: Any) -> Event:
    told = {"in_shape": [1], "out_shape": [1], "example": [[0.0]], "step": 1, "folder": folder, **fields}
    return {"kind": "model", "model": told, "token": "token"}


def stored(folder: Path) -> str:
    """Everything that lies in the store's artifacts."""
    files = [file for file in (folder / "outputs").rglob("*") if file.is_file()]
    return "".join(file.read_text(errors="replace") for file in files if file.suffix != ".db")


def assert_untouched(victim: Path) -> None:
    assert {file.name: file.read_text() for file in victim.iterdir()} == {"diary.txt": SECRET}
    assert SECRET not in stored(victim.parent)


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_models_folder_is_the_runs_own(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = victim.parent / "runs"
    inner = ("link", ".", "", "checkpoints", ".hydra", "model/../checkpoints", 3, None)
    names = (str(victim), "../../victim", *inner)
    for number, named in enumerate(names):
        run = place / str(number)
        for name in ("checkpoints", ".hydra"):
            shutil.copytree(victim, run / name)
        (run / "link").symlink_to(victim)
        spooled(run, model(named))
    assert sync(place) == 1
    for line, named in zip(lines_of(capsys), names, strict=True):
        assert f"{named!r} is no model's folder" in line
    assert_untouched(victim)
    assert len(list(place.rglob("diary.txt"))) == 2 * len(names)
    assert {run.info.status for run in runs_in(victim.parent)} == {"RUNNING"}


@pytest.mark.parametrize("where", ["model", "model/inner", "model/diary.txt"])
@pytest.mark.parametrize("lists_files", [False, True])
def test_links_in_a_model_are_not_followed(where: str, lists_files: bool, victim: Path) -> None:
    run = victim.parent / "run"
    (run / where).parent.mkdir(parents=True)
    target = victim / "diary.txt" if where.endswith(".txt") else victim
    (run / where).symlink_to(target)
    digest = {"model/inner/diary.txt": "0" * 64, "diary.txt": "0" * 64}
    sync(spooled(run, model("model", files=digest if lists_files else None)))
    assert_untouched(victim)
    assert (run / where).is_symlink()


@pytest.mark.parametrize("files", [None, {}, {"diary.txt": "0" * 64}, {"../../victim/diary.txt": "0" * 64}])
def test_what_the_runner_has_not_made_is_not_deleted(files: Mapping[str, str] | None, victim: Path) -> None:
    for name in ("model", ".model"):
        run = victim.parent / "run" / name
        shutil.copytree(victim, run / name)
        sync(spooled(run, model(name, files=files)))
        assert (run / name / "diary.txt").read_text() == SECRET
        assert (victim / "diary.txt").exists()


def test_files_are_the_runs_own(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = victim.parent / "runs"
    names = (f"{victim}/diary.txt", "../../victim/diary.txt", "link/diary.txt", "linked.txt", "a/../b", 3)
    for number, name in enumerate(names):
        run = spooled(place / str(number), {"kind": "files", "names": [name]})
        (run / "link").symlink_to(victim)
        (run / "linked.txt").symlink_to(victim / "diary.txt")
    assert sync(place) == 1
    assert len(lines_of(capsys)) == len(names)
    assert_untouched(victim)


def test_a_sweep_is_a_folder_above(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = victim.parent / "runs"
    (victim / PARENT).write_text(json.dumps({"uri": "", "experiment_id": "1", "run_id": "stolen"}))
    names: tuple[Any, ...] = (str(victim), "../../victim", "link", "..//../victim", 3, ["x"], "../" * 99)
    for number, named in enumerate(names):
        (spooled(place / str(number), sweep=named) / "link").symlink_to(victim)
    assert sync(place) == 1
    lines = lines_of(capsys)
    assert len(lines) == len(names)
    assert all("which is no folder above it" in line for line in lines)
    experiment = client_of(victim.parent).get_experiment_by_name("runner")
    assert experiment is not None
    assert client_of(victim.parent).search_runs([experiment.experiment_id]) == []


def test_a_record_of_a_sweep_that_is_none_makes_no_job_of_it(victim: Path) -> None:
    for number, content in enumerate((SECRET, "[]", "{}", '{"uri": 1}', "\0")):
        run = spooled(victim.parent / "sweeps" / str(number) / "0", sweep="..")
        (run.parent / PARENT).write_text(content)
    assert sync(victim.parent / "sweeps") == 0
    runs = runs_in(victim.parent)
    assert len(runs) == 5
    assert not any("sweep_id" in run.data.tags for run in runs)


def test_a_note_of_what_is_sent_names_neither_another_run_nor_another_place(
    victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = victim.parent
    (folder / "own").mkdir()
    with Tracker(plain(), Launch(folder / "own", "mlp", (), "command"), {}) as tracker:
        tracker.metrics({"train/loss": 1.0}, 1)
    (own,) = runs_in(folder)
    run = spooled(folder / "run", {"kind": "tags", "values": {"stolen": "yes"}})
    sent = {"offset": 0, "experiment_id": own.info.experiment_id, "artifact_uri": victim.as_uri()}
    begun = len((run / EVENTS).read_bytes().splitlines(keepends=True)[0])
    (run / "config.yaml").write_text("a: 1")
    Journal(run).append(events.left(run, {}, ["config.yaml"]))
    (run / SENT).write_text(json.dumps(sent | {"offset": begun, "run_id": own.info.run_id}))
    assert sync(run) == 1
    assert "which is another's" in capsys.readouterr().err
    assert_untouched(victim)
    assert "stolen" not in client_of(folder).get_run(own.info.run_id).data.tags


def test_a_note_of_what_is_sent_that_is_none_has_all_sent(victim: Path) -> None:
    notes = ("[]", "{}", '{"offset": -1, "run_id": "a"}', '{"offset": "a", "run_id": 3}')
    for number, sent in enumerate(notes):
        (spooled(victim.parent / "runs" / str(number)) / SENT).write_text(sent)
    assert sync(victim.parent / "runs") == 0
    assert [run.info.status for run in runs_in(victim.parent)] == ["FINISHED"] * len(notes)


def test_links_in_the_place_of_the_journals_own_files_are_not_followed(victim: Path) -> None:
    run = spooled(victim.parent / "run")
    shutil.copy(run / EVENTS, victim / "events")
    before = (victim / "events").read_bytes()
    other = victim.parent / "other"
    other.mkdir()
    (other / EVENTS).symlink_to(victim / "events")
    for name in (SENT, f"{SENT}.unfinished", LOCK):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(victim / "diary.txt")
    sync(victim.parent)
    assert (victim / "events").read_bytes() == before
    (victim / "events").unlink()
    assert_untouched(victim)


def test_what_is_no_file_is_not_waited_for(victim: Path) -> None:
    run = victim.parent / "run"
    run.mkdir()
    os.mkfifo(run / EVENTS)
    assert sync(run) == 0
    os.mkfifo(run / "pipe.txt")
    assert sync(spooled(victim.parent / "other", {"kind": "files", "names": ["pipe.txt"]})) == 0


def test_events_that_are_none_are_one_line(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged: list[Event] = [
        {"kind": "metrics"},
        {"kind": "metrics", "values": [1]},
        {"kind": "files", "names": 3},
        {"kind": "data", "data": {}},
        {"kind": "model", "model": {"folder": "model", "unknown": 1}, "token": ""},
        {"kind": "tags", "values": 1},
        {"kind": "note"},
    ]
    for number, event in enumerate(damaged):
        (spooled(victim.parent / "runs" / str(number), event) / "model").mkdir()
    assert sync(victim.parent / "runs") == 1
    lines = lines_of(capsys)
    assert len(lines) == len(damaged)
    for number, line in enumerate(lines):
        assert line.startswith(f"{victim.parent / 'runs' / str(number)}")


@contextmanager
def asked_by_nobody() -> Iterator[str]:
    """A server's URI; nothing connects to it within the context."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)


def test_nothing_is_sent_to_a_store_that_nobody_means(
    victim: Path, credentials: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with asked_by_nobody() as host:
        uris = (
            f"http://{host}",
            f"http://u:p@{host}/path",
            f"http://x@{host}/@usual",
            f"postgresql://{host}/a",
        )
        for number, uri in enumerate((*uris, f"sqlite:///{victim}/made.db", f"http://{host}/sqlite:///a.db")):
            spooled(victim.parent / "runs" / str(number), uri=uri)
        assert sync(victim.parent / "runs") == 1
    lines = lines_of(capsys)
    assert len(lines) == 6
    assert all("is not the store in use, if it is meant: python -m runner sync" in line for line in lines)
    assert_untouched(victim)
    assert len(list((victim.parent / "runs").rglob(EVENTS))) == 6, "what is not sent is kept"


def test_the_command_that_is_told_sends(victim: Path, capsys: pytest.CaptureFixture[str]) -> None:
    meant = victim.parent / "meant.db"
    for number in range(2):
        spooled(victim.parent / "runs" / str(number), uri=f"sqlite:///{meant}")
    assert sync(victim.parent / "runs") == 1
    (line,) = lines_of(capsys)
    assert not meant.exists()
    assert main(shlex.split(line.partition("python -m runner sync ")[2])) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2
    assert all(f"sent to sqlite:///{meant}, run " in line for line in told)


def test_later_events_name_no_other_store(victim: Path, credentials: None) -> None:
    with asked_by_nobody() as host:
        for number, kind in enumerate(("reopened", "continued")):
            event = {"kind": kind, "uri": f"http://{host}", "run_id": "a" * 32, "tags": {}, "experiment": "e"}
            run = spooled(victim.parent / "runs" / str(number), event)
            begun = len((run / EVENTS).read_bytes().splitlines(keepends=True)[0])
            (run / SENT).write_text(json.dumps({"offset": begun, "run_id": "a" * 32}))
        assert sync(victim.parent / "runs") == 1


def test_a_run_in_a_folder_with_anothers_journal_is_told_to_its_own_store(
    victim: Path, credentials: None
) -> None:
    run = victim.parent / "run"
    with asked_by_nobody() as host:
        spooled(run, uri=f"http://{host}")
        with Tracker(plain(), Launch(run, "mlp", (), "command"), {}):
            pass
    assert {each.info.status for each in runs_in(victim.parent)} == {"FINISHED"}


def test_the_store_that_lies_with_the_runs_is_meant_unless_it_is_a_link(
    victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = victim.parent / "theirs" / "outputs"
    theirs.mkdir(parents=True)
    shutil.copy(victim.parent / "outputs" / "mlflow.db", theirs / "mlflow.db")
    (theirs / "mlartifacts").mkdir()
    uri = f"sqlite:///{theirs}/mlflow.db"
    assert sync(spooled(theirs / "runs" / "0", uri=uri)) == 0
    (theirs / "mlflow.db").rename(victim / "mlflow.db")
    (theirs / "mlflow.db").symlink_to(victim / "mlflow.db")
    before = (victim / "mlflow.db").read_bytes()
    assert sync(spooled(theirs / "runs" / "1", uri=uri)) == 1
    assert (victim / "mlflow.db").read_bytes() == before
