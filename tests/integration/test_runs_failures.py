"""Ranks that fail, and what reaches a rank: the first failure ends the run and is named, values arrive byte for byte."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time

import pytest
from run_kit import hear

FAIL = """
import os, sys, time
if os.environ["RANK"] == sys.argv[1]:
    print("about to fail", flush=True)
    print("because of this", file=sys.stderr, flush=True)
    time.sleep(0.2)
    sys.exit(int(sys.argv[2]))
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("saved a checkpoint", flush=True)
    sys.exit(9)
"""


def test_first_failing_rank_ends_the_run_and_is_shown_again(localrun):
    localrun.write("train.py", FAIL)
    began = time.monotonic()
    done = localrun.run("--nodes", "2", "-n", "2", "train.py", "2", "17")
    assert time.monotonic() - began < 9  # before the grace of ten seconds
    assert done.returncode == 17
    err = done.stderr.decode()
    assert "rank 2 (node 1) ended with exit code 17 after" in err
    assert "  the last lines of user_logs/std_log_process_2.txt:\n  | about to fail\n  | because of this\n" in err
    assert "kind=" not in err
    assert done.stdout.count(b"saved a checkpoint") == 3
    record = localrun.record()
    assert (record["first_failure"]["rank"], record["first_failure"]["reason"]) == (2, "rank_failed")
    assert [rank["status"] for rank in record["ranks"]] == ["stopped", "stopped", "failed", "stopped"]
    assert [rank["exit_code"] for rank in record["ranks"]] == [9, 9, 17, 9]


def test_rank_that_is_killed_ends_the_run_with_128_and_the_signal(localrun):
    localrun.write(
        "train.py",
        "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()} {os.environ[\"RANK\"]}\\n'); time.sleep(600)",
    )
    here = localrun.fifo()
    with localrun.start("run", "-n", "3", "train.py", here) as child:
        pids = dict(reversed(line.split()) for line in hear(here, 3))
        os.kill(int(pids["1"]), 9)
        err = child.communicate(timeout=60)[1]
    assert child.returncode == 137
    assert b"rank 1 (node 0) was ended by signal 9 after" in err
    assert localrun.record()["first_failure"]["signal"] == 9


def test_time_limit_of_a_month_is_no_error(localrun):
    localrun.write("train.py", "print('done')")
    done = localrun.run("-q", "--timeout", "2592000", "train.py")
    assert (done.returncode, done.stdout) == (0, b"done\n"), done.stderr


def test_script_that_fails_alone_is_not_shown_twice(localrun):
    localrun.write("train.py", "raise SystemExit('wrong')")
    done = localrun.run("train.py")
    assert done.returncode == 1
    assert done.stdout == b"wrong\n"
    assert b"the script ended with exit code 1 after" in done.stderr
    assert b"| wrong" not in done.stderr


def make_small_group():
    """Make a control group of 96 MB, of version 1 or 2, and give its folder."""
    limit, folder = "memory.limit_in_bytes", "/sys/fs/cgroup/memory"
    with open("/proc/self/cgroup", encoding="ascii") as file:
        own = next((line.split(":")[2].strip() for line in file if ":memory:" in line), None)
    if own is None:  # version 2: below the root, where a group may have processes beside groups
        limit, folder, own = "memory.max", "/sys/fs/cgroup", ""
        with open(f"{folder}/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write("+memory")
    folder += f"{own.rstrip('/')}/localrun-test-{os.getpid()}"
    os.mkdir(folder)
    with open(f"{folder}/{limit}", "w", encoding="ascii") as file:
        file.write("96M")
    return folder


@pytest.fixture
def small_memory(root):
    """Give a function that puts the calling process into a control group of 96 MB."""
    folder = make_small_group()

    def enter():
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    yield enter
    for _ in range(100):
        with open(f"{folder}/cgroup.procs", encoding="ascii") as file:
            if not file.read():
                break
        time.sleep(0.02)
    os.rmdir(folder)


def test_rank_that_runs_out_of_memory_is_told_apart(localrun, small_memory):
    localrun.write(
        "train.py", "import os, time; x = b'x' * 300_000_000 if os.environ['RANK'] == '1' else time.sleep(600)"
    )
    done = localrun.run("-n", "2", "train.py", preexec_fn=small_memory)
    assert done.returncode == 137
    assert b"rank 1 (node 0) ran out of memory and was killed by the system after" in done.stderr
    assert localrun.record()["first_failure"]["reason"] == "out_of_memory"


HARD = {"PLAIN": "a b", "LINES": "one\ntwo\n\n", "QUOTES": "'\"`$HOME\\", "EQUALS": "=a=b=", "BLANKS": "\t x ", "EMPTY": "", "TÜR": "naïve ☃"}  # fmt: skip


def test_variables_reach_a_rank_byte_for_byte(localrun):
    localrun.write(
        "train.py",
        "import json, os, sys; json.dump({k: os.environ.get(k) for k in sys.argv[1:]}, open('outputs/seen', 'w'))",
    )
    given = [word for name, text in HARD.items() for word in ("-e", f"{name}={text}")]
    done = localrun.run(*given, "-e", "PASSED", "train.py", *HARD, "PASSED", env={"PASSED": "on\n\\"})
    assert done.returncode == 0, done.stderr
    with open(f"{localrun.record()['folder']}/outputs/seen", encoding="utf-8") as file:
        assert json.load(file) == HARD | {"PASSED": "on\n\\"}


def test_arguments_reach_a_rank_byte_for_byte(localrun):
    localrun.write("train.py", "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))")
    words = ["a b", "", "*", "$HOME", "'", '"', "\n", ";ls", "-x", "--set", "ünï", os.fsdecode(b"\xff")]
    assert localrun.run("-q", "train.py", *words).stdout == b"\0".join(map(os.fsencode, words))


@pytest.mark.parametrize("name", ["sp ace ünï.py", "a;id.py", "$(id).py", "-rf.py", "new\nline.py", "'quote\".py"])
def test_script_with_a_hard_name_runs_itself(localrun, name):
    localrun.write(name, "import sys; print('itself', len(sys.argv))")
    done = localrun.run("--", name, "x") if name.startswith("-") else localrun.run(name, "x")
    assert (done.returncode, done.stdout) == (0, b"itself 2\n"), done.stderr


def test_ranks_read_nothing_and_hold_nothing_of_localrun(localrun):
    localrun.write(
        "train.py", "import os, sys; print(repr(sys.stdin.read()), sorted(map(int, os.listdir('/dev/fd')))[:4])"
    )
    done = localrun.run("-q", "-n", "2", "train.py", stdin=subprocess.PIPE)
    assert sorted(done.stdout.splitlines()) == [b"[rank 0] '' [0, 1, 2, 3]", b"[rank 1] '' [0, 1, 2, 3]"]


def test_every_rank_knows_its_place(localrun):
    localrun.write(
        "train.py",
        "import os; print(*(os.environ.get(k) for k in 'RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE NODE_RANK GROUP_RANK MASTER_PORT AZ_BATCHAI_TASK_INDEX'.split()))",
    )
    assert localrun.run("-q", "--nodes", "2", "-n", "2", "train.py").returncode == 0
    port = localrun.record()["master_port"]
    assert [localrun.log(rank).decode().split() for rank in range(4)] == [
        [str(rank), str(rank % 2), "4", "2", str(rank // 2), str(rank // 2), str(port), str(rank % 2)] for rank in range(4)
    ]  # fmt: skip


def test_supervisor_that_fails_takes_every_rank_with_it_and_leaves_a_record(localrun):
    def allow_few_files():  # enough for the command, and not for the logs of so many ranks
        resource.setrlimit(resource.RLIMIT_NOFILE, (105, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    words = ("--distribution", "pytorch", "-n", "60", "--command", "sleep 600 & sleep 600")
    done = localrun.run(*words, preexec_fn=allow_few_files)
    err = done.stderr.decode()
    assert (done.returncode, err.splitlines()[-1]) == (125, "kind=no_process"), err
    assert "too many files are open" in err
    assert "ulimit -n" in err
    record = localrun.record()
    assert (record["status"], record["exit_code"], record["origin"]) == ("failed", 125, "localrun")
    assert {rank["status"] for rank in record["ranks"]} == {"stopped"}
    with open(os.path.join(record["folder"], "localrun.log"), encoding="utf-8") as file:
        assert "Traceback" in file.read()
    assert localrun.command("ps", "-q").stdout == b""
    assert localrun.wait_for_processes() == []
