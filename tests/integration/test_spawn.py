"""Processes as the supervisor starts them: a signal that comes right behind the start is not lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time
from localrun.adapters import spawn
number, wait_s = int(sys.argv[1]), float(sys.argv[2])
signal.signal(number, lambda *_: None)  # the supervisor hears signals, too, and goes on
output = os.open(os.devnull, os.O_WRONLY)
for _ in range(100):
    pid = spawn.spawn(["sleep", "30"], dict(os.environ), directory="/", output=output)
    time.sleep(wait_s)
    spawn.signal_group(pid, number)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == -number, status
assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
@pytest.mark.parametrize("wait_s", [0, 0.0005, 0.002])
def test_signal_right_behind_the_start_ends_the_process(number, wait_s):
    command = (sys.executable, "-c", PROGRAM, str(int(number)), str(wait_s))
    done = subprocess.run(command, capture_output=True, text=True, timeout=25, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
