"""Whoever reads the store, the terminal or the log learns no secret; files with one are their owner's."""

import io
import stat
from contextlib import redirect_stdout
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import runner
from runner.commands import ui
from runner.sweep.record import JobResult, add_result
from runner.tracking.location import Location
from runner.tracking.store import connect, told
from tests.conftest import CommandLine

URIS = [
    "ftp://me:it's a/hush@host/x",
    "https://host/x?user=hush&password=it's hush&x=1",
    "s3://hush@bucket",
    "ftp://me@corp:hu@sh:hush@host",
]


def telling(folder: Path) -> list[Path]:
    """Files that name the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and b"hush" in path.read_bytes()]


def is_private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("uri", URIS)
def test_a_run_names_its_secrets_only_in_files_of_its_owner(in_tmp_path: Path, uri: str) -> None:
    shown = io.StringIO()
    escaped = uri.replace("'", r"\'")
    with redirect_stdout(shown):
        runner.run(
            ["data=iris", "train.epochs=1", "train.checkpoint_every=1", f"data.root='{escaped}'"], show=True
        )
    assert "hush" not in shown.getvalue()
    found = telling(in_tmp_path)
    assert {path.parent.name for path in found} <= {".hydra", "checkpoints"}
    assert [path for path in found if not is_private(path)] == []


@pytest.mark.slow
def test_a_sweep_of_processes_leaves_no_secret_for_others(
    command_line: CommandLine, in_tmp_path: Path
) -> None:
    root = r"data.root='https://host/?token=it\'s hush'"
    done = command_line(
        "-m", "data=iris", "train.epochs=1", "seed=0,1", root, MLFLOW_TRACKING_PASSWORD="hushhush"
    )
    assert done.returncode == 0, done.stderr
    assert "hush" not in done.stdout + done.stderr
    found = telling(in_tmp_path)
    assert found
    assert [path for path in found if not is_private(path)] == []
    assert [path for path in found if "mlartifacts" in path.parts or path.suffix == ".db"] == []


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://me:hush a@wo:hush@127.0.0.1:9/db",
        "postgresql://me:it's hush@127.0.0.1:9/db",
        "nothing://me:hush@host",
    ],
)
def test_a_store_that_cannot_be_had_is_named_without_its_secret(in_tmp_path: Path, uri: str) -> None:
    with pytest.raises(Exception, match=r".") as error:  # any that SQLAlchemy or MLflow raises
        connect(uri).search_experiments()
    assert "hush" not in told(error.value, uri)


def test_where_a_run_is_stands_in_a_file_of_its_owner(tmp_path: Path) -> None:
    Location("https://me:hush@host", "1", "2").write(tmp_path / "parent.json")
    add_result(tmp_path, JobResult(0, ["data.root=ftp://me:hush@host"], "FAILED"))
    assert all(map(is_private, telling(tmp_path)))
    assert len(telling(tmp_path)) == 2


def test_the_command_line_of_the_ui_s_server_names_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    class Process:
        returncode = 0

        def __init__(self, command: list[str], env: dict[str, str], **_: Any) -> None:
            started.append((command, env))

    monkeypatch.setattr("subprocess.Popen", Process)
    monkeypatch.setattr(ui, "wait_until_healthy", lambda *_: None)
    monkeypatch.setattr(ui, "end", lambda _: None)
    with ui.server("postgresql://me:hush@host/db", None, PIPE):
        ((command, environment),) = started
    assert "hush" not in " ".join(command)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == "postgresql://me:hush@host/db"
