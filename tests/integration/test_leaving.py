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
