"""Asking a run to end: Ctrl-C once, twice and thrice, SIGTERM, SIGHUP, a closed terminal; willing and unwilling ranks."""

from __future__ import annotations

import os
import signal
import time

import pytest
from run_kit import FAMILY, end_of, hear
from terminal_kit import end, open_terminal

WILLING = "import sys, time; open(sys.argv[1], 'w').write('on\\n'); time.sleep(600)"
UNWILLING = """
import signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
open(sys.argv[1], "w").write("on\\n")
time.sleep(600)
"""


@pytest.mark.parametrize("ranks", [1, 3])
def test_one_ctrl_c_ends_the_ranks_and_the_run_is_canceled_with_130(localrun, ranks):
    localrun.write("train.py", WILLING)
    here = localrun.fifo()
    terminal = open_terminal(localrun, "run", "-n", str(ranks), "train.py", here)
    hear(here, ranks)
    began = time.monotonic()
    terminal.sendintr()
    terminal.expect("press Ctrl-C again to kill them")
    terminal.expect("interrupted after")
    assert end(terminal) == 130
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert end_of(localrun.record()) == ("canceled", 130, "localrun", "interrupted")
    assert {rank["signal"] for rank in localrun.record()["ranks"]} == {2}


def test_second_ctrl_c_kills_at_once(localrun):
    localrun.write("train.py", UNWILLING)
    here = localrun.fifo()
    terminal = open_terminal(localrun, "run", "-n", "2", "--stop-timeout", "60", "train.py", here)
    hear(here, 2)
    terminal.sendintr()
    terminal.expect("press Ctrl-C again")
    began = time.monotonic()
    terminal.sendintr()
    assert end(terminal) == 130
    assert time.monotonic() - began < 30  # not the sixty seconds that were given
    assert end_of(localrun.record()) == ("canceled", 130, "localrun", "interrupted")
    assert {rank["signal"] for rank in localrun.record()["ranks"]} == {9}


def test_third_ctrl_c_leaves_a_reader_that_does_not_read(localrun):
    localrun.write("train.py", UNWILLING.replace("time.sleep", "print('x' * 10_000_000, flush=True); time.sleep"))
    here = localrun.fifo()
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        time.sleep(0.3)  # the pipe to this test is full now
        for _ in range(3):
            child.send_signal(signal.SIGINT)
            time.sleep(0.2)
        assert child.wait(9) == 130
    localrun.wait_for_processes()
    assert end_of(localrun.record()) == ("canceled", 130, "localrun", "interrupted")


@pytest.mark.parametrize(
    ("number", "code", "kind"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 129, "hung_up")]
)
def test_sigterm_and_sighup_end_the_run(localrun, number, code, kind):
    localrun.write("train.py", WILLING)
    here = localrun.fifo()
    with localrun.start("run", "-n", "2", "train.py", here) as child:
        hear(here, 2)
        began = time.monotonic()
        child.send_signal(number)
        child.send_signal(number)  # these come in pairs; nobody insists by that
        err = child.communicate(timeout=30)[1]
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert child.returncode == code
    assert err.splitlines()[-1] == f"kind={kind}".encode()
    assert end_of(localrun.record()) == ("canceled", code, "localrun", kind)
    assert {rank["signal"] for rank in localrun.record()["ranks"]} == {15}


def test_closed_terminal_ends_the_run(localrun):
    localrun.write("train.py", WILLING)
    here = localrun.fifo()
    terminal = open_terminal(localrun, "run", "train.py", here)
    hear(here)
    terminal.ptyproc.fileobj.close()
    assert localrun.wait_for_processes() == []
    assert end_of(localrun.record()) == ("canceled", 129, "localrun", "hung_up")


def test_nohup_outlives_its_terminal(localrun):
    localrun.write("train.py", "import sys, time; open(sys.argv[1], 'w').write('on\\n'); time.sleep(1); print('done')")
    here = localrun.fifo()
    terminal = open_terminal(
        localrun, "run", "train.py", here, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    hear(here)
    os.close(terminal.child_fd)
    terminal.closed = True
    assert localrun.wait_for_processes() == []
    assert localrun.record()["status"] == "completed"
    assert localrun.log() == b"done\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ranks_that_ignore_every_signal_end_at_the_stop_timeout_and_no_later(localrun, number):
    localrun.write("train.py", UNWILLING)
    here = localrun.fifo()
    with localrun.start("run", "-n", "2", "--stop-timeout", "1", "train.py", here) as child:
        hear(here, 2)
        began = time.monotonic()
        child.send_signal(number)
        child.communicate(timeout=30)
    assert 1 <= time.monotonic() - began < 9  # the given second, not the ten that it is else
    assert {rank["signal"] for rank in localrun.record()["ranks"]} == {9}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_grandchildren_end_with_the_run_whatever_session_they_are_in(localrun, number):
    localrun.write("train.py", FAMILY)
    here = localrun.fifo()
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        assert len(localrun.processes()) >= 7
        began = time.monotonic()
        child.send_signal(number)
        child.communicate(timeout=30)
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert localrun.wait_for_processes() == []  # the supervisor ends a moment after its front end


def test_signals_at_random_moments_leave_a_closed_record_and_no_process(localrun):
    import random

    localrun.write("train.py", "import time; time.sleep(600)")
    for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)] * 4:
        with localrun.start("run", "-q", "-n", "2", "train.py") as child:
            time.sleep(0.03 + random.random() * 0.4)
            child.send_signal(number)
            child.communicate(timeout=30)
        # before localrun listens to anything the system or Python's own start ends it: nothing is there of the run yet
        early = {-number, 1} if number == signal.SIGINT else {-number}
        assert child.returncode in {code, *early}
    assert localrun.wait_for_processes() == []
    assert {record["status"] for record in localrun.records()} <= {"canceled"}
    assert localrun.command("ps").returncode == 0  # closes what was killed while it was prepared
    assert not os.path.isdir(f"{localrun.home}/active") or os.listdir(f"{localrun.home}/active") == []


def test_time_limit_ends_the_run_with_124(localrun):
    localrun.write("train.py", "import time; print('on', flush=True); time.sleep(600)")
    began = time.monotonic()
    done = localrun.run("--timeout", "0.5", "train.py")
    assert time.monotonic() - began < 30
    assert done.returncode == 124
    assert done.stderr.splitlines()[-1] == b"kind=time_limit"
    assert end_of(localrun.record()) == ("canceled", 124, "localrun", "time_limit")
