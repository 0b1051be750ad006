"""Looking inside a live run and an ended one: exec, shell, attach, and faults on purpose."""

from __future__ import annotations

import os
import signal
import time

import pytest
from run_kit import LOCALRUN, hear, wait_until
from terminal_kit import end, open_terminal

WAITING = """
import os, sys, time
os.makedirs("deeper", exist_ok=True); os.chdir("deeper")
with open(sys.argv[1], "w") as here:
    here.write(f"{os.getpid()} {os.environ.get('RANK', 0)}\\n")
time.sleep(600)
"""
COUNTING = """
import os, sys, time
with open(sys.argv[1], "w") as here:
    here.write(f"{os.getpid()} {os.environ.get('RANK', 0)}\\n")
while True:
    time.sleep(0.05)
    print("tick", flush=True)
"""


@pytest.fixture
def live(localrun):
    """Start a detached run that reports from each rank; give its id and the ranks' pids. It is ended after the test."""
    started = []

    def start(text, *options, ranks=1):
        localrun.write("train.py", text)
        here = localrun.fifo(f"here-{len(started)}")
        done = localrun.run("-q", "-d", *options, "train.py", here)
        assert done.returncode == 0, done.stderr
        started.append(done.stdout.decode().strip())
        return started[-1], {int(rank): int(pid) for pid, rank in (line.split() for line in hear(here, ranks))}

    yield start
    for run_id in started:
        localrun.command("rm", "-f", run_id)


def state_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0].decode()


def test_exec_has_the_variables_and_the_folder_of_its_rank(localrun, live):
    run_id, _ = live(WAITING, "--nodes", "2", "-n", "2", "-e", "GIVEN=a b\nc", ranks=4)
    done = localrun.command("exec", run_id, "--rank", "3", "--", "sh", "-c", 'echo "$RANK $NODE_RANK $GIVEN" && pwd')
    folder = os.path.join(localrun.home, "runs", run_id)
    assert done.stdout.decode() == f"3 1 a b\nc\n{folder}/node-1/wd/deeper\n", done.stderr
    assert localrun.command("exec", run_id, "printenv", "RANK").stdout == b"0\n"


def test_exit_code_of_exec_is_the_commands_own(localrun, live):
    run_id, _ = live(WAITING)
    assert localrun.command("exec", run_id, "--", "sh", "-c", "exit 9").returncode == 9
    assert localrun.command("exec", run_id, "--", "sh", "-c", "kill -9 $$").returncode == -9
    missing = localrun.command("exec", run_id, "no-such-program")
    assert missing.returncode == 127
    assert b"there is no program no-such-program" in missing.stderr
    assert b"kind=not_found" in missing.stderr
    assert localrun.command("exec", run_id, "/tmp").returncode == 126


def test_exec_has_the_users_terminal_and_input(localrun, live):
    run_id, _ = live(WAITING)
    terminal = open_terminal(localrun, "exec", "-it", run_id, "cat")
    terminal.sendline("hello there")
    terminal.expect("hello there\r\nhello there\r\n")
    terminal.sendeof()
    assert end(terminal) == 0


def test_exec_and_attach_refuse_what_is_not_there(localrun, live):
    run_id, _ = live(WAITING, "-n", "2", ranks=2)
    for words in (("exec", "--rank", "2", run_id, "true"), ("attach", "--rank", "2", run_id)):
        refused = localrun.command(*words)
        assert refused.returncode == 125
        assert b"has no rank 2\n  hint: its ranks are 0 to 1\n" in refused.stderr
    assert b"no command was given" in localrun.command("exec", run_id).stderr
    assert b"expected the number of a rank, found 'x'" in localrun.command("exec", run_id, "--rank", "x", "ls").stderr
    near = localrun.command("exec", f"x{run_id}", "true")
    assert f"hint: did you mean {run_id}?".encode() in near.stderr
    localrun.command("stop", run_id)
    for words in (("exec", run_id, "true"), ("attach", run_id), ("pause", run_id)):
        refused = localrun.command(*words)
        assert refused.returncode == 125
        assert f"run {run_id} has ended".encode() in refused.stderr
        assert f"localrun shell {run_id}".encode() in refused.stderr
        assert b"kind=run_ended" in refused.stderr


def test_shell_of_an_ended_run_has_its_folder_and_variables(localrun):
    text = "import os; os.environ['LATER'] = '1'; open('made-by-the-run', 'w').write(os.environ['PATH'])"
    localrun.write("train.py", text)
    given = ("-n", "2", "-e", "GIVEN=x", "-e", "PASSED", "-E", f"interpreter:{LOCALRUN[0]}")
    assert localrun.run("-q", *given, "train.py", env={"PASSED": "secret"}).returncode == 0
    ask = 'cat made-by-the-run; echo; echo "$PATH"; echo $RANK $GIVEN $AZUREML_RUN_ID; pwd'
    done = localrun.command("shell", "latest", "--rank", "1", "sh", "-c", ask)
    record = localrun.record()
    theirs, ours, *rest = done.stdout.decode().splitlines()
    assert theirs == ours
    assert rest == [f"1 x {record['run_id']}", f"{record['folder']}/wd"]
    assert f"in the place of rank 1 of run {record['run_id']}" in done.stderr.decode()
    assert b"not recorded, and not set in this shell: PASSED" in done.stderr


def test_shell_opens_the_users_shell(localrun):
    localrun.write("train.py", "")
    assert localrun.run("-q", "train.py").returncode == 0
    terminal = open_terminal(localrun, "shell", "latest", env={"SHELL": "/bin/sh", "PS1": "there> "})
    terminal.expect("there> ")
    terminal.sendline("pwd; exit 3")
    terminal.expect("/wd\r\n")
    assert end(terminal) == 3


def test_attach_shows_what_comes_and_ctrl_c_stops_the_run(localrun, live):
    run_id, _ = live(COUNTING, "-n", "2", ranks=2)
    terminal = open_terminal(localrun, "attach", run_id)
    terminal.expect(r"\[rank 1\][^\r]*tick")
    terminal.sendintr()
    terminal.expect("press Ctrl-C again to kill them")
    terminal.expect("interrupted after")
    assert end(terminal) == 130
    assert localrun.record()["kind"] == "interrupted"


def test_attach_without_proxy_leaves_the_run_alone(localrun, live):
    run_id, pids = live(COUNTING)
    with localrun.start("attach", "--no-sig-proxy", run_id) as child:
        assert child.stdout.readline() == b"tick\n"
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
    assert child.returncode == 130
    assert state_of(pids[0]) in "SR"


def test_kill_of_a_node_fails_the_run_with_a_rank_of_that_node(localrun, live):
    run_id, _ = live(WAITING, "--nodes", "2", "-n", "2", ranks=4)
    assert b"has no node 2\n  hint: its nodes are 0 to 1\n" in localrun.command("kill", "--node", "2", run_id).stderr
    assert localrun.command("kill", "--node", "1", "--signal", "TERM", run_id).returncode == 0
    assert localrun.command("wait", run_id).stdout == b"143\n"
    failure = localrun.record()["first_failure"]
    assert (failure["node"], failure["signal"]) == (1, 15)


def test_paused_node_stands_still_until_it_goes_on(localrun, live):
    run_id, pids = live(COUNTING, "--nodes", "2", "--distribution", "pytorch", ranks=2)
    assert localrun.command("pause", run_id, "--node", "1").returncode == 0
    wait_until(lambda: state_of(pids[1]) == "T")
    assert state_of(pids[0]) in "SR"
    assert localrun.command("unpause", run_id, "--node", "1").returncode == 0
    wait_until(lambda: state_of(pids[1]) != "T")


def test_run_whose_node_is_paused_is_stopped_as_soon_as_any_other(localrun, live):
    run_id, _ = live(WAITING, "--nodes", "2", "--distribution", "pytorch", ranks=2)
    localrun.command("pause", run_id, "--node", "1")
    began = time.monotonic()
    assert localrun.command("stop", run_id).returncode == 0
    assert time.monotonic() - began < 9  # before the grace of ten seconds
