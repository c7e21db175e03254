"""``runner ui`` serves the store to this machine, and leaves nothing behind."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import runner
from runner.commands import ui
from tests.conftest import CommandLine, ui_in
from tests.faults.servers import free_port


def children_of(process: int) -> list[int]:
    """A process's children, and theirs."""
    own = [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return own + [below for child in own for below in children_of(child)]


def lives(process: int) -> bool:
    """Whether a process is there, and more than an entry that nobody has asked for yet."""
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_serves_runs_and_artifacts_until_a_signal_comes(
    in_tmp_path: Path, number: signal.Signals, code: int
) -> None:
    run_id = runner.run(["data=iris", "train.epochs=1"]).run_id
    port = free_port()
    with ui_in(in_tmp_path, f"port={port}") as (process, line):
        address, _, page = line.partition("/#")
        assert (address, page) == (f"http://127.0.0.1:{port}", "/experiments/1/runs")
        asked = f"{address}/get-artifact?path=config.yaml&run_uuid={run_id}"
        with urllib.request.urlopen(asked, timeout=60) as reply:
            assert b"optim:" in reply.read()
        with urllib.request.urlopen(f"{address}/api/2.0/mlflow/runs/get?run_id={run_id}") as reply:
            assert json.load(reply)["run"]["info"]["status"] == "FINISHED"
        below = children_of(process.pid)
        assert below
        process.send_signal(number)
        assert process.wait(60) == code
    assert not any(map(lives, below))
    assert ui.is_free(port)


def test_a_server_is_only_told_where_it_is(command_line: CommandLine) -> None:
    done = command_line("ui", "tracking.uri=http://me:secret@127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (0, "http://***@127.0.0.1:1/#/experiments\n")


def test_the_page_is_opened_where_that_is_wanted(command_line: CommandLine, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    words = ("ui", "open=true", "tracking.uri=http://127.0.0.1:1")
    assert command_line(*words, BROWSER=f"{browser} %s").returncode == 0
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:1/#/experiments\n"


def test_a_port_that_is_typed_has_to_be_free(command_line: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind((ui.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not ui.is_free(port)
        done = command_line("ui", str(port))
    assert (done.returncode, done.stderr) == (
        2, f"port: {port} is taken. Without port=… a free one is found\n",
    )  # fmt: skip
    assert command_line("ui", "port=70000").stderr == "port: 70000 should be at most 65535\n"
    assert command_line("ui", "port=x").stderr == "port: 'x' should be a whole number, at least 1\n"


def test_the_usual_port_gives_way_to_a_free_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((ui.HOST, 0))
        taken.listen()
        monkeypatch.setattr(ui, "USUAL_PORT", taken.getsockname()[1])
        port = ui.port_for(None)
        assert port != ui.USUAL_PORT
        assert ui.is_free(port)


def test_without_a_store_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "ui"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"tracking.uri: there is no store 'sqlite:///{tmp_path}/outputs/mlflow.db'. "
    )
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "outputs").exists()
