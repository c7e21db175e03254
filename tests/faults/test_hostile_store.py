"""A store that somebody else has written has nothing outside of it read, written or deleted."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

import pytest
import torch

import runner
from runner.commands import table
from runner.errors import TrackingError
from runner.process.machine import threads_of
from runner.tracking.artifacts import refuse_elsewhere
from tests.conftest import client_of, runs_in

SECRET = "what nobody else is to read"
SMALL = ("data=iris", "train.epochs=1", "tracking.pictures=false")

COMMANDS = MappingProxyType(
    {
        "list": (),
        "show": ("{run}",),
        "report": ("{run}", "output=out.html"),
        "evaluate": ("{run}",),
        "export": ("{run}", "format=safetensors", "output=out.safetensors"),
        "rerun": ("{run}",),
        "resume": ("{run}", "train.epochs=2"),
    }
)


class Store:
    """A store with a run in it, the database of which can be changed by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run_id = folder, runner.run(list(SMALL)).run_id
        self.victim = folder / "victim"
        self.victim.mkdir()
        for name in ("config.yaml", "diary.txt", "traceback.txt", "events.sent"):
            (self.victim / name).write_text(SECRET)

    def change(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.folder / "outputs" / "mlflow.db")) as database, database:
            database.execute(statement, values)

    def tag(self, **tags: str) -> None:
        for key, value in tags.items():
            self.change("INSERT OR REPLACE INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
                        key.replace("__", "."), value, self.run_id)  # fmt: skip

    def asked(self, command: str) -> int:
        return table.run(command, [word.format(run=self.run_id) for word in COMMANDS[command]])

    def assert_untouched(self) -> None:
        names = {file.name for file in self.victim.rglob("*")}
        assert names == {"config.yaml", "diary.txt", "traceback.txt", "events.sent"}
        assert all(file.read_text() == SECRET for file in self.victim.iterdir())
        kept = [
            file for file in (self.folder / "outputs").rglob("*") if file.is_file() and not file.is_symlink()
        ]
        assert not any(SECRET in file.read_text(errors="replace") for file in kept)


@pytest.fixture
def store(in_tmp_path: Path, one_thread: None) -> Store:
    return Store(in_tmp_path)


@pytest.mark.parametrize("place", ["{victim}", "{outputs}", ".", "", "a\0b", "{other}"])
def test_a_folder_that_is_not_the_runs_is_not_written_to(
    store: Store, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = runner.run([*SMALL, "seed=1"]) if place == "{other}" else None
    folder = "" if other is None else str(other.folder)
    named = place.format(victim=store.victim, outputs=store.folder / "outputs", other=folder)
    before = sorted(store.folder.rglob("*"))
    store.tag(runner__folder=named)
    capsys.readouterr()
    assert store.asked("resume") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be gone on with" in line or "belongs to run" in line
    assert sorted(store.folder.rglob("*")) == before
    store.assert_untouched()


def test_a_link_in_a_runs_folder_is_not_followed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(client_of(store.folder).get_run(store.run_id).data.tags["runner.folder"])
    (folder / "config.yaml").unlink()
    (folder / "config.yaml").symlink_to(store.victim / "config.yaml")
    capsys.readouterr()
    assert store.asked("resume") == 1
    assert "is a link, and links in a run's folder are not followed" in capsys.readouterr().err
    store.assert_untouched()


def test_artifacts_elsewhere_are_neither_read_nor_written(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for place in (
            store.victim.as_uri(),
            f"http://127.0.0.1:{server.getsockname()[1]}/api",
            "s3://bucket/x",
        ):
            store.change("UPDATE runs SET artifact_uri = ?", place)
            store.change("UPDATE logged_models SET artifact_location = ?", place)
            for command in ("show", "report", "evaluate", "export", "rerun", "resume"):
                capsys.readouterr()
                assert store.asked(command) == 1, command
                (line,) = capsys.readouterr().err.splitlines()
                assert line.startswith(f"tracking.uri: its artifacts are in '{place}', which is neither")
        store.change("UPDATE experiments SET artifact_location = ?", store.victim.as_uri())
        with pytest.raises(TrackingError, match="its artifacts are in"):
            runner.run(list(SMALL))
        with pytest.raises(BlockingIOError):
            server.accept()
    store.assert_untouched()
    assert len(runs_in(store.folder)) == 1


def test_a_link_among_the_artifacts_is_not_followed(store: Store) -> None:
    model = client_of(store.folder).search_logged_models(["1"])[0].model_id
    place = store.folder / "outputs" / "mlartifacts" / "runner" / "models" / model / "artifacts" / "data"
    assert (place / "model.json").is_file()
    (place / "secret.json").symlink_to(store.victim / "diary.txt")
    assert store.asked("export") == 1
    assert not (store.folder / "out.safetensors").exists()


HERE = "sqlite:////home/me/outputs/mlflow.db"


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (HERE, "file:///home/me/outputs/mlartifacts/runner/1/artifacts"),
        (HERE, "/home/me/outputs/mlruns/1"),
        (HERE, "mlruns/0"),
        ("http://host:5000", "mlflow-artifacts:/1/a/artifacts"),
        ("http://me:pw@host:5000", "mlflow-artifacts://host:5000/1/a"),
        ("http://host", "s3://bucket/1"),
    ],
)
def test_artifacts_lie_with_their_store(uri: str, place: str) -> None:
    refuse_elsewhere(uri, place)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        (HERE, "file:///home/me/outputs/mlartifacts/../../.ssh"),
        (HERE, "file:///home/me/outputs/mlartifacts%2f..%2f..%2f.ssh"),
        (HERE, "file://host/home/me/outputs/mlartifacts"),
        (HERE, "file:///home/me/outputs"),
        (HERE, "/etc"),
        (HERE, "mlflow-artifacts:/1"),
        (HERE, "mlflow-artifacts://evil/1"),
        (HERE, "ftp://evil/1"),
        (HERE, "models:/m-1"),
        (HERE, "runs:/a/b"),
        (HERE, "http://[::1"),
        (HERE, None),
        ("http://host:5000", "mlflow-artifacts://evil/1"),
        ("http://host:5000", "http://evil/1"),
        ("http://host:5000", "https://evil\\@host:5000/1"),
        ("http://host:5000", "file:///etc"),
        ("http://host:5000", "/etc"),
    ],
)
def test_artifacts_lie_nowhere_else_unless_the_environment_says_so(uri: str, place: str | None) -> None:
    with pytest.raises(TrackingError, match="MLFLOW_DEFAULT_ARTIFACT_ROOT=… in the environment says where"):
        refuse_elsewhere(uri, place)


def test_a_place_that_the_environment_names_is_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for root, below, beside in (
        ("s3://b/a", "s3://b/a/1", "s3://b/ab"),
        (str(tmp_path), tmp_path.as_uri(), "/etc"),
    ):
        monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", root)
        refuse_elsewhere(HERE, below)
        with pytest.raises(TrackingError):
            refuse_elsewhere(HERE, beside)


def test_what_a_store_says_is_shown_and_not_obeyed_by_the_terminal(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    escape = "\x1b]0;owned\x07\x1b[2J\r\nnext\u202e"
    names = (
        "mlflow__runName",
        "command",
        "model",
        "way",
        "git_commit",
        "versions",
        "device",
        "failure",
        "data",
    )
    store.tag(**dict.fromkeys(names, escape))
    store.change("UPDATE params SET value = ? WHERE key = 'objective'", escape)
    for command in COMMANDS:
        store.asked(command)
    shown = "".join(capsys.readouterr())
    assert "owned" in shown
    assert all(each.isprintable() or each in "\n\t" for each in shown)


@pytest.mark.parametrize("threads", ["x", "-1", "0", "1000000000", "²", "9" * 5000, ""])
def test_threads_that_no_machine_has_are_not_taken(threads: str) -> None:
    assert threads_of({"threads": threads}) == torch.get_num_threads()
    assert threads_of({"threads": "3"}) == 3


def test_a_run_with_words_for_numbers_is_done_again(store: Store) -> None:
    store.tag(threads="many", job="x", pruned="x", runner__heartbeat="x", runner__process="h 1 2 3")
    assert store.asked("rerun") == 0
    assert store.asked("show") == 0
