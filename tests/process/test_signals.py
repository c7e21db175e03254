"""How signals reach the program, each tried in a process of its own."""

import signal
import subprocess
import sys

import pytest

WAIT = """
import os, signal, sys, time
from runner.process.signals import Terminated, raise_on_signals, uninterrupted
raise_on_signals()
"""


def ended_by(program: str, *numbers: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Run a program that prints a line when it is ready for each of the signals."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", WAIT + program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for number in numbers:
        process.stdout.readline()
        process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (signal.SIGINT, "KeyboardInterrupt()"),
        (signal.SIGTERM, "Terminated('SIGTERM')"),
        (signal.SIGHUP, "Terminated('SIGHUP')"),
    ],
)
def test_a_signal_is_an_exception(number: signal.Signals, name: str) -> None:
    program = """
try:
    print("ready")
    time.sleep(30)
except BaseException as error:
    print(repr(error))
"""
    assert ended_by(program, number).stdout == f"{name}\n"


def test_a_second_signal_lets_things_be_closed_and_a_third_ends_the_process() -> None:
    program = """
try:
    print("ready")
    time.sleep(30)
except Terminated:
    print("closing")
    time.sleep(1)
    print("still closing")
    time.sleep(30)
"""
    ended = ended_by(program, signal.SIGTERM, signal.SIGTERM, signal.SIGTERM)
    assert ended.returncode == -signal.SIGTERM


def test_a_held_signal_arrives_when_it_may() -> None:
    program = """
try:
    with uninterrupted():
        print("ready")
        time.sleep(1)
        print("done")
    print("not reached")
except Terminated:
    print("then ended")
"""
    assert ended_by(program, signal.SIGTERM).stdout == "done\nthen ended\n"


def test_what_the_parent_has_set_to_be_ignored_stays_ignored() -> None:
    program = f"""
os.execv(sys.executable, [sys.executable, "-u", "-c", {WAIT!r} + '''
print("ready")
time.sleep(1)
print("still here")
'''])
"""
    ignoring = "signal.signal(signal.SIGINT, signal.SIG_IGN)\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    assert ended_by(ignoring + program, signal.SIGINT).stdout == "still here\n"
