"""A full disk or a closed pipe behind standard output and error: a line and an exit code, no traceback."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runner.process.signals import Terminated
from runner.process.standard_streams import Errors, Output, text_of

FULL = Path("/dev/full")
HELP = [sys.executable, "-m", "runner", "predict", "--help"]

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def like(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")


def without_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_output_that_finds_no_room_stops_nothing_and_remembers_why() -> None:
    output = Output(FULL, "w")
    with text_of(output, like()) as stream:
        print("one", file=stream, flush=True)
        print("two", file=stream, flush=True)
    assert output.refusal is not None
    assert output.refusal.strerror == "No space left on device"


def test_a_reader_who_goes_away_ends_the_program_once_as_a_signal_does() -> None:
    with text_of(Output(without_reader(), "w"), like()) as stream:
        with pytest.raises(Terminated, match="SIGPIPE"):
            print("one", file=stream, flush=True)
        print("what is written while things are closed", file=stream, flush=True)


@pytest.mark.parametrize("kind", ["full", "closed"])
def test_errors_that_nobody_can_read_change_nothing(kind: str) -> None:
    raw = Errors(without_reader() if kind == "closed" else FULL, "w")
    with text_of(raw, like()) as stream:
        print("one", file=stream, flush=True)


def test_text_is_encoded_as_the_stream_in_its_place_does(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with text_of(Output(path, "w"), like("latin-1")) as stream:
        print("ü € ü", file=stream)
    assert path.read_bytes() == "ü ? ü\n".encode("latin-1")


def test_a_command_names_the_standard_output_that_is_full() -> None:
    with FULL.open("w") as full:
        process = subprocess.run(HELP, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (process.returncode, process.stderr) == (
        1,
        "standard output: No space left on device: make room\n",
    )


def test_a_command_whose_reader_goes_away_ends_without_a_word() -> None:
    process = subprocess.Popen(HELP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, "")


def test_a_wrong_command_line_has_its_exit_code_where_errors_cannot_be_written() -> None:
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "runner", "predict", "nonsense=1"]
        process = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False)
    assert (process.returncode, process.stdout) == (2, b"")
