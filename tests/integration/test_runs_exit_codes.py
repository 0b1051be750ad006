"""Exit codes: the script's own pass through, all of them, and signals as 128+n."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

DRIVE = os.path.join(os.path.dirname(__file__), "supervised_codes.py")
ENDING = sorted(
    set(range(1, 65))
    - {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
    - {signal.SIGURG, signal.SIGWINCH, 32, 33}
)
"""The signals that end a process by themselves; 32 and 33 belong to the C library."""


def test_all_256_exit_codes_and_every_ending_signal_pass_through_the_supervisor(tmp_path):
    numbers = [*range(256), *(-number for number in ENDING)]
    done = subprocess.run(
        [sys.executable, DRIVE, str(tmp_path), *map(str, numbers)], capture_output=True, check=True, timeout=100
    )
    expected = {"0": ["completed", 0, "script", "", 0]}
    expected |= {str(code): ["failed", code, "script", "", code] for code in range(1, 256)}
    expected |= {str(-number): ["failed", 128 + number, "script", "", -number] for number in ENDING}
    assert json.loads(done.stdout) == expected


@pytest.mark.slow
def test_exit_codes_pass_through_the_command_line_into_the_record(localrun):
    localrun.write("end.py", "import os, sys; n = int(sys.argv[1]); n < 0 and os.kill(os.getpid(), -n); sys.exit(n)")
    numbers = [0, 1, 2, 77, 124, 125, 126, 127, 128, 130, 137, 143, 255, -1, -2, -6, -9, -11, -15]
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(lambda number: localrun.run("-q", "--experiment", f"e{number}", "end.py", str(number)), numbers)
        )
    assert [item.returncode for item in done] == [number if number >= 0 else 128 - number for number in numbers]
    assert all(b"kind=" not in item.stderr for item in done)
    by_name = {record["experiment"]: record for record in localrun.records()}
    for number in numbers:
        record = by_name[f"e{number}"]
        assert (record["origin"], record["kind"]) == ("script", "")
        assert record["status"] == ("failed" if number else "completed")
        assert record["ranks"][0]["signal"] == (-number if number < 0 else None)
        assert record["exit_code"] == record["ranks"][0]["exit_code"] == (number if number >= 0 else 128 - number)


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("./no-such-program", 127, b"No such file"),
        ("./plain", 126, b"ermission denied"),
        ("exec ./windows", 127, b"windows"),
    ],
)
def test_program_that_cannot_be_started_gives_126_or_127_and_the_reason(localrun, command, code, words):
    localrun.write("plain", "#!/bin/sh\n")
    localrun.write("windows", "#!/usr/bin/python-that-is-not-there\r\n", 0o755)
    done = localrun.run("--command", command)
    assert done.returncode == code
    assert words in done.stdout


def test_ranks_start_with_no_signal_blocked_or_ignored_whatever_the_caller_has(localrun):
    localrun.write("show.py", "print([line for line in open('/proc/self/status') if line[:6] in ('SigBlk', 'SigIgn')])")
    shown = localrun.run("show.py", preexec_fn=_ignore_and_block)
    blocked, ignored = (int(part.split(b"\\n")[0], 16) for part in shown.stdout.split(b"\\t")[1:])
    assert blocked == 0
    ordinary = (1 << 31) - 1  # the C library keeps the first two behind them to itself
    assert ignored & ordinary & ~(1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1) == 0  # Python ignores these two


def _ignore_and_block():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGQUIT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2, signal.SIGCHLD])
