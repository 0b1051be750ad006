"""What the failure of a rank means when it was asked for: hung ranks, runs that continue and runs that are held."""

from __future__ import annotations

import signal
import time

import pytest
from run_kit import hear, wait_until
from terminal_kit import end, open_terminal

HANG = """
import os, sys, time
print("begun", flush=True)
if os.environ["RANK"] == "1":
    time.sleep(600)
while True:
    if os.environ["RANK"] == "0":
        print("at work", flush=True)
        time.sleep(0.05)
    else:
        sum(range(100_000))
"""
FAIL = """
import os, sys, time
rank = int(os.environ["RANK"])
if rank == 1:
    print("lost my way", flush=True)
    sys.exit(7)
with open(sys.argv[1], "w") as here:
    here.write(f"{rank} {os.getpid()}\\n")
if len(sys.argv) > 2:
    time.sleep(600)
time.sleep(0.5)
print("finished", flush=True)
sys.exit(5 if rank == 2 else 0)
"""


def state_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0].decode()


def test_rank_that_hangs_ends_the_run_and_is_named(localrun):
    localrun.write("train.py", HANG)
    done = localrun.run("-n", "3", "--rank-timeout", "1.5", "train.py")
    assert done.returncode == 124
    err = done.stderr.decode()
    assert "rank 1 (node 0) hung, neither printing nor computing, after" in err
    assert "| begun" in err
    assert err.endswith("kind=rank_hung\n")
    record = localrun.record()
    assert (record["status"], record["kind"], record["first_failure"]["reason"]) == ("failed", "rank_hung", "rank_hung")
    assert [rank["status"] for rank in record["ranks"]] == ["stopped"] * 3


def test_run_that_continues_lets_the_others_finish_and_has_the_code_of_the_first_failure(localrun):
    localrun.write("train.py", FAIL)
    here = localrun.fifo()
    with localrun.start("run", "-n", "3", "--on-failure", "continue", "train.py", here) as child:
        hear(here, 2)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 7, err
    assert out.count(b"finished") == 2
    assert b"rank 1 (node 0) ended with exit code 7 after" in err
    record = localrun.record()
    assert [rank["exit_code"] for rank in record["ranks"]] == [0, 7, 5]
    assert [rank["status"] for rank in record["ranks"]] == ["completed", "failed", "failed"]


def test_held_run_keeps_its_ranks_until_enter(localrun):
    localrun.write("train.py", FAIL)
    here = localrun.fifo()
    terminal = open_terminal(localrun, "run", "-n", "2", "--on-failure", "hold", "train.py", here, "wait")
    (line,) = hear(here)
    terminal.expect("rank 1 .node 0. ended with exit code 7 after")
    terminal.expect(r"\| lost my way")
    terminal.expect("held: rank 0 is kept as it is")
    terminal.expect("or press Enter here")
    assert state_of(line.split()[1]) in "SR"
    record = localrun.record()
    assert (record["status"], record["held"], record["first_failure"]["rank"]) == ("running", True, 1)
    inside = localrun.command("exec", "--rank", "1", "latest", "--", "sh", "-c", "echo $RANK; pwd")
    assert inside.stdout.decode() == f"1\n{record['folder']}/wd\n", inside.stderr
    terminal.sendline("")
    terminal.expect("failed after")
    assert end(terminal) == 7
    record = localrun.record()
    assert (record["status"], record["exit_code"], record.get("held")) == ("failed", 7, None)
    assert [rank["status"] for rank in record["ranks"]] == ["stopped", "failed"]


def test_held_run_that_nobody_watches_ends_with_stop(localrun):
    localrun.write("train.py", FAIL)
    here = localrun.fifo()
    started = localrun.run("-q", "-d", "-n", "2", "--on-failure", "hold", "train.py", here, "wait")
    run_id = started.stdout.decode().strip()
    hear(here)
    wait_until(lambda: localrun.record().get("held"))
    assert localrun.command("stop", run_id).returncode == 0
    assert localrun.record()["exit_code"] == 7


@pytest.mark.parametrize("held", [False, True])
def test_run_with_a_single_rank_is_held_too(localrun, held):
    localrun.write("train.py", "raise SystemExit(3)")
    terminal = open_terminal(localrun, "run", *(("--on-failure", "hold") if held else ()), "train.py")
    if held:
        terminal.expect("no rank is left")
        terminal.sendline("")
    assert end(terminal) == 3


COUNT = """
import os, sys, time
with open(sys.argv[1], "w") as here:
    here.write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.02)
"""


def test_ctrl_z_stops_the_ranks_and_fg_lets_them_go_on_and_limits_do_not_count(localrun):
    localrun.write("train.py", COUNT)
    here = localrun.fifo()
    with localrun.start("run", "-n", "2", "--timeout", "4", "train.py", here, start_new_session=True) as child:
        pids = [int(line) for line in hear(here, 2)]
        child.send_signal(signal.SIGTSTP)
        wait_until(lambda: all(state_of(pid) == "T" for pid in pids))
        wait_until(lambda: state_of(child.pid) == "T")
        time.sleep(4)
        assert [state_of(pid) for pid in pids] == ["T", "T"]
        child.send_signal(signal.SIGCONT)
        wait_until(lambda: all(state_of(pid) != "T" for pid in pids))
        child.communicate(timeout=30)
    assert child.returncode == 124
    assert localrun.record()["duration_s"] > 7.5


def test_stopped_run_is_ended_at_once_by_stop(localrun):
    localrun.write("train.py", COUNT)
    here = localrun.fifo()
    run_id = localrun.run("-q", "-d", "-n", "2", "train.py", here).stdout.decode().strip()
    pids = [int(line) for line in hear(here, 2)]
    localrun.command("pause", run_id)
    wait_until(lambda: all(state_of(pid) == "T" for pid in pids))
    began = time.monotonic()
    assert localrun.command("stop", run_id).returncode == 0
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert {rank["signal"] for rank in localrun.record()["ranks"]} == {15}


def test_unpause_lets_a_paused_run_go_on(localrun):
    localrun.write("train.py", COUNT)
    here = localrun.fifo()
    run_id = localrun.run("-q", "-d", "train.py", here).stdout.decode().strip()
    (pid,) = hear(here)
    localrun.command("pause", run_id)
    wait_until(lambda: state_of(pid) == "T")
    localrun.command("unpause", run_id)
    wait_until(lambda: state_of(pid) != "T")
    localrun.command("kill", run_id)
    localrun.command("wait", run_id)
    assert [rank["signal"] for rank in localrun.record()["ranks"]] == [9]


def test_unpause_of_a_run_lets_a_node_go_on_that_was_paused_alone(localrun):
    localrun.write("train.py", COUNT)
    here = localrun.fifo()
    run_id = localrun.run("-q", "-d", "--nodes", "2", "train.py", here).stdout.decode().strip()
    pids = [int(line) for line in hear(here, 2)]
    localrun.command("pause", "--node", "1", run_id)
    wait_until(lambda: [state_of(pid) == "T" for pid in pids].count(True) == 1)
    assert localrun.command("unpause", run_id).returncode == 0
    wait_until(lambda: all(state_of(pid) != "T" for pid in pids))
    localrun.command("kill", run_id)


def test_bad_settings_are_refused_before_the_run(localrun):
    localrun.write("train.py", "")
    assert b"expected seconds from 0" in localrun.run("--rank-timeout", "-1", "train.py").stderr
    refused = localrun.run("-n", "2", "--debug", "--rank", "2", "train.py")
    assert b"the run has no rank 2\n  hint: its ranks are 0 to 1" in refused.stderr
    assert b"nothing is asked of that rank" in localrun.run("--rank", "0", "train.py").stderr
    assert localrun.records() == []
