"""The front end or the supervisor is killed: nothing of the run is left, and its record says how it ended."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import pytest
from run_kit import FAMILY, hear, kill_supervisor, wait_until
from terminal_kit import end, open_terminal

from localrun.workspace import active


@pytest.mark.slow
def test_front_end_killed_at_20_random_moments_leaves_no_process_and_no_open_record(localrun):
    localrun.write("train.py", "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)")
    for number in range(20):
        with localrun.start("run", "-q", "-n", "2", "train.py") as child:
            if number == 0:  # how long a start takes here and now: the moments lie on both sides of it
                began = time.monotonic()
                wait_until(lambda: any(record["status"] == "running" for record in localrun.records()), 30)
                start_s = time.monotonic() - began
            else:
                time.sleep(0.03 + random.random() * 1.5 * start_s)
            child.kill()
            child.wait()
            assert localrun.wait_for_processes(timeout_s=1 + 4 * start_s) == []
    ends = {(record["status"], record["exit_code"], record["kind"]) for record in localrun.records()}
    assert ends == {("canceled", 125, "front_end_lost")}
    localrun.command("ps")  # a run that was killed while its folder was made leaves nothing
    assert active.names(localrun.home) == []
    assert len(os.listdir(f"{localrun.home}/runs")) == len(localrun.records())


def test_front_end_killed_while_a_family_runs_leaves_no_grandchild(localrun):
    localrun.write("train.py", FAMILY)
    here = localrun.fifo()
    with localrun.start("run", "-n", "2", "train.py", here) as child:
        hear(here, 2)
        assert len(localrun.processes()) >= 12
        child.kill()
    assert localrun.wait_for_processes() == []
    record = localrun.record()
    assert (record["status"], record["origin"], record["kind"]) == ("canceled", "localrun", "front_end_lost")
    assert {rank["signal"] for rank in record["ranks"]} == {15}


def test_front_end_killed_while_it_waits_at_the_barrier_leaves_nothing(localrun):
    localrun.write("train.py", "print('never')")
    here = localrun.fifo()
    localrun.write("prepare.sh", f"echo on > {here}; sleep 600")
    with localrun.start("run", "-n", "3", "--bootstrap", "prepare.sh", "train.py") as child:
        hear(here)
        child.kill()
    assert localrun.wait_for_processes() == []
    assert localrun.record()["kind"] == "front_end_lost"
    assert {rank["status"] for rank in localrun.record()["ranks"]} == {"not_started"}


def test_killed_supervisor_is_told_by_its_front_end_and_recorded_as_lost(localrun):
    localrun.write("train.py", FAMILY)
    here = localrun.fifo()
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        run_id = kill_supervisor(localrun)
        err = child.communicate(timeout=60)[1].decode()
    assert child.returncode == 125
    assert f"run {run_id} is lost: its supervisor died; 5 processes of it ended" in err
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "kind=lost"
    assert localrun.processes() == []
    assert (localrun.record()["status"], localrun.record()["kind"]) == ("lost", "lost")


def test_front_end_and_supervisor_killed_are_found_by_the_next_command(localrun):
    localrun.write("train.py", FAMILY)
    here = localrun.fifo()
    with localrun.start("run", "train.py", here) as child:
        hear(here)
        child.send_signal(signal.SIGSTOP)
        run_id = kill_supervisor(localrun)
        child.kill()
    assert len(localrun.wait_for_processes(5)) == 5  # the rank went with its supervisor, these did not
    done = localrun.command("ps")
    assert f"run {run_id} is lost: its supervisor died; 5 processes of it ended" in done.stderr.decode()
    assert localrun.processes() == []
    assert (localrun.record()["status"], localrun.record()["exit_code"]) == ("lost", 125)
    assert localrun.command("ps").stderr == b""


def test_supervisor_killed_at_random_moments_never_leaves_a_run_that_runs(localrun):
    localrun.write("train.py", "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)")
    for _ in range(6):
        with localrun.start("run", "-q", "train.py") as child:
            wait_until(lambda: any(active.read(localrun.home, name).supervisor for name in active.names(localrun.home)))
            time.sleep(random.random() * 0.1)
            kill_supervisor(localrun)
            err = child.communicate(timeout=60)[1]
        assert child.returncode == 125
        assert b"Traceback" not in err
        localrun.command("ps")
        assert localrun.processes() == []
        assert active.names(localrun.home) == []
    assert {record["status"] for record in localrun.records()} <= {"lost"}


def test_detached_run_survives_its_terminal(localrun):
    localrun.write("train.py", "import sys, time; open(sys.argv[1], 'w').write('on\\n'); time.sleep(1); print('done')")
    here = localrun.fifo()
    terminal = open_terminal(localrun, "run", "-d", "-n", "2", "train.py", here)
    terminal.expect(r"source_\d+_\w{8}")
    assert end(terminal) == 0
    hear(here, 2)
    assert localrun.record()["status"] == "running"
    assert localrun.command("wait", "latest").stdout == b"0\n"
    assert localrun.record()["status"] == "completed"
    assert localrun.log(1) == b"done\n"


def test_detached_run_holds_nothing_that_its_caller_left_open(localrun):
    localrun.write("train.py", "import time; time.sleep(600)")
    reader, writer = os.pipe()
    started = localrun.run("-q", "-d", "train.py", pass_fds=(writer,))
    os.close(writer)
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""  # nobody else holds the other end
    os.close(reader)
    assert localrun.command("stop", started.stdout.decode().strip()).returncode == 0
    assert localrun.record()["exit_code"] == 143


def test_stop_and_kill_end_a_detached_run(localrun):
    localrun.write("train.py", "import sys, time; open(sys.argv[1], 'w').write('on\\n'); time.sleep(600)")
    here = localrun.fifo()
    for command, code, status in [("stop", 143, "canceled"), ("kill", 137, "failed")]:
        run_id = localrun.run("-q", "-d", "-n", "2", "train.py", here).stdout.decode().strip()
        hear(here, 2)
        assert localrun.command(command, run_id).returncode == 0
        assert localrun.command("wait", run_id).stdout == f"{code}\n".encode()
        assert localrun.record()["status"] == status


def test_two_runs_of_one_shell_do_not_hold_each_other(localrun):
    localrun.write("train.py", "import sys, time; open(sys.argv[1], 'w').write('on\\n'); time.sleep(600)")
    here = localrun.fifo()
    first = localrun.start("run", "-q", "train.py", here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hear(here)
    second = localrun.start("run", "-q", "train.py", here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hear(here)
    first.kill()
    first.wait()
    wait_until(lambda: sum(record["status"] == "running" for record in localrun.records()) == 1, 2)
    second.terminate()
    assert second.wait(5) == 143
    assert sorted(record["kind"] for record in localrun.records()) == ["front_end_lost", "terminated"]


HOPPER = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    while True:  # a new process every few milliseconds, its parent gone
        time.sleep(0.003)
        if os.fork():
            os._exit(0)
open(sys.argv[1], "w").write("on\\n")
time.sleep(600)
"""


def test_process_that_keeps_forking_itself_away_is_ended_too(localrun):
    localrun.write("train.py", HOPPER)
    here = localrun.fifo()
    with localrun.start("run", "--stop-timeout", "0.5", "train.py", here) as child:
        hear(here)
        began = time.monotonic()
        child.terminate()
        assert child.wait(20) == 143
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert localrun.wait_for_processes() == []


def test_supervisor_killed_before_it_has_a_record_is_told_as_lost(localrun):
    localrun.write("train.py", "import time; time.sleep(600)")
    told = set()
    for _ in range(4):
        with localrun.start("run", "-q", "train.py") as child:
            wait_until(lambda: any(active.read(localrun.home, name).supervisor for name in active.names(localrun.home)))
            kill_supervisor(localrun)
            told.add((child.wait(15), child.stderr.read().splitlines()[-1]))
            child.stdout.close()
    assert told == {(125, b"kind=lost")}
    assert active.names(localrun.home) == []
