"""The end of a command: everything that was printed is out, and the exit code is right."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LEAVE = """
import sys
from localrun import cli
sys.stdout.reconfigure(write_through=False)
cli.main = lambda: (sys.stdout.write("x" * {size} + "\\n"), sys.stderr.write("to stderr"), {code})[2]
cli.enter()
"""


@pytest.mark.parametrize("code", [0, 3, 125, 255])
def test_all_that_was_printed_is_out_and_the_code_is_kept(code):
    done = subprocess.run(
        [sys.executable, "-c", LEAVE.format(code=code, size=100_000)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (len(done.stdout), done.stderr, done.returncode) == (100_001, "to stderr", code)


def test_a_full_output_is_told_by_the_code():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", LEAVE.format(code=0, size=100)], stdout=full, timeout=60, check=False
        )
    assert done.returncode == 125


@pytest.mark.parametrize("words", [("--help",), ("run", "-h"), ("env", "build", "--help"), ("--version",)])
def test_help_onto_a_full_output_is_told_as_such(words):
    with open("/dev/full", "wb") as full:
        command = (sys.executable, "-m", "localrun", *words)
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    told = "localrun: error: standard output cannot be written: No space left on device\nkind=output\n"
    assert (done.returncode, done.stderr) == (125, told)


def test_a_reader_that_went_away_is_told_by_the_code():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", LEAVE.format(code=0, size=100)], stdout=writer, timeout=60, check=False
    )
    os.close(writer)
    assert done.returncode == 141


def test_python_m_localrun_ends_with_the_code_of_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "localrun", "no-such-command"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 125
    assert "kind=bad_input" in done.stderr


INTERRUPT = """
import signal, time, weakref
from localrun import cli
from localrun.cli import commands

class Lock: pass

def import_something(arguments):
    lock = Lock()
    kept = weakref.ref(lock, lambda _: signal.raise_signal(signal.SIGINT))
    del lock  # as the import system does with the lock of a module: what is raised in a callback is passed over
    time.sleep(60)

commands.run_command = import_something
cli.enter()
"""


def test_ctrl_c_at_the_end_of_an_import_is_not_lost():
    done = subprocess.run([sys.executable, "-c", INTERRUPT], capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (130, "")


def test_other_errors_that_python_passes_over_are_told():
    text = INTERRUPT.replace("signal.raise_signal(signal.SIGINT)", "1 / 0").replace("time.sleep(60)", "return 0")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr
