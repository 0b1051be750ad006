"""Looking inside a run whose nodes are containers, and faults on purpose there."""

from __future__ import annotations

import json
import os
import subprocess
import time

import pytest
from run_kit import wait_until
from terminal_kit import end, open_terminal

WAITING = """
import os, sys, time
os.makedirs("deeper", exist_ok=True); os.chdir("deeper")
print("here", flush=True)
time.sleep(600)
"""


@pytest.fixture
def live(localrun):
    localrun.write("train.py", WAITING)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--nodes", "2", "-n", "2", "-e", "GIVEN=a b")
    started = localrun.run("-q", "-d", *words, "train.py")
    assert started.returncode == 0, started.stderr
    run_id = started.stdout.decode().strip()
    wait_until(lambda: localrun.command("logs", run_id).stdout.count(b"here") == 4, 60)
    yield run_id
    localrun.command("rm", "-f", run_id)


def docker(*words):
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def test_exec_is_in_the_container_of_its_rank_with_its_variables_and_folder(localrun, live):
    ask = "echo $RANK $NODE_RANK $GIVEN; pwd; hostname; exit 9"
    done = localrun.command("exec", live, "--rank", "3", "--", "sh", "-c", ask)
    folder = os.path.join(localrun.home, "runs", live)
    assert done.stdout.decode() == f"3 1 a b\n{folder}/node-1/wd/deeper\nnode-1\n", done.stderr
    assert done.returncode == 9
    with localrun.start("exec", live, "--", "cat", stdin=subprocess.PIPE) as child:
        out, _ = child.communicate(b"x" * 200_000, timeout=30)
    assert (child.returncode, len(out)) == (0, 200_000)
    assert localrun.command("exec", live, "no-such-program").returncode in {126, 127}


def test_exec_has_the_users_terminal(localrun, live):
    terminal = open_terminal(localrun, "exec", "-it", "--rank", "1", live, "sh")
    terminal.expect("[$#] ")
    terminal.sendline("stty size; echo rank=$RANK")
    terminal.expect("30 90")
    terminal.expect("rank=1")
    terminal.sendline("exit 5")
    assert end(terminal) == 5


def test_kill_of_a_rank_in_a_container_fails_the_run(localrun, live):
    assert localrun.command("kill", "--rank", "2", live).returncode == 0
    assert localrun.command("wait", live).stdout == b"137\n"
    failure = localrun.record()["first_failure"]
    assert (failure["rank"], failure["node"]) == (2, 1)


def test_kill_of_a_node_in_a_container_fails_the_run_with_a_rank_of_that_node(localrun, live):
    assert localrun.command("kill", "--node", "1", live).returncode == 0
    assert localrun.command("wait", live).stdout == b"137\n"
    assert localrun.record()["first_failure"]["node"] == 1


def test_held_run_keeps_its_containers(localrun):
    localrun.write("train.py", "import os, time\nif os.environ['RANK'] == '1': raise SystemExit(7)\ntime.sleep(600)\n")
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--nodes", "2", "--distribution", "pytorch")
    started = localrun.run("-q", "-d", *words, "--on-failure", "hold", "train.py")
    run_id = started.stdout.decode().strip()
    wait_until(lambda: localrun.record().get("held"), 60)
    record = localrun.record()
    assert [rank["status"] for rank in record["ranks"]] == ["running", "failed"]
    containers = {one["id"] for one in record["containers"]}
    wait_until(
        lambda: containers <= set(docker("ps", "-q", "--no-trunc").split()), 60
    )  # its engine may hear of it later
    inside = localrun.command("exec", "--rank", "1", run_id, "--", "sh", "-c", "echo $RANK; hostname")
    assert inside.stdout == b"1\nnode-1\n", inside.stderr
    assert localrun.command("stop", run_id).returncode == 0
    assert localrun.record()["exit_code"] == 7


def test_paused_node_is_a_paused_container_and_stop_does_not_wait_for_it(localrun, live):
    (container,) = [one["id"] for one in localrun.record()["containers"] if one["node"] == 1]
    for _ in range(2):
        assert localrun.command("pause", "--node", "1", live).returncode == 0
        assert docker("inspect", "-f", "{{.State.Paused}}", container) == "true\n"
    localrun.command("unpause", "--node", "1", live)
    assert docker("inspect", "-f", "{{.State.Paused}}", container) == "false\n"
    localrun.command("pause", "--node", "1", live)
    began = time.monotonic()
    assert localrun.command("stop", "--timeout", "90", live).returncode == 0
    assert time.monotonic() - began < 60  # a paused one would take all that time


def test_run_writes_down_what_its_ranks_in_containers_use(localrun):
    localrun.write("train.py", WAITING)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--nodes", "2", "--stats")
    run_id = localrun.run("-q", "-d", *words, "train.py").stdout.decode().strip()
    path = os.path.join(localrun.home, "runs", run_id, "usage.jsonl")

    def list_seen():
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [[row["rank"] for row in json.loads(line)["ranks"]] for line in file if line.endswith("\n")]

    assert wait_until(lambda: [0, 1] in list_seen(), 200)
    localrun.command("rm", "-f", run_id)


def test_stats_know_the_ranks_in_containers(localrun, live):
    rows = json.loads(localrun.command("stats", "--no-stream", "--format", "json", live).stdout)
    assert [(row["rank"], row["node"]) for row in rows] == [(0, 0), (1, 0), (2, 1), (3, 1)]


SEND = """
import os, socket, sys, time
if os.environ["NODE_RANK"] == "0":
    with socket.create_server(("", 29555)) as server:
        connection, _ = server.accept()
        began, count = time.monotonic(), 0
        while data := connection.recv(65536):
            count += len(data)
        print("rate", count * 8 / (time.monotonic() - began), flush=True)
else:
    time.sleep(1)
    while True:
        try:
            connection = socket.create_connection(("node-0", 29555))
            break
        except OSError:
            time.sleep(0.1)
    connection.sendall(b"x" * 3_000_000)
    connection.close()
"""


def test_nodes_send_no_faster_than_they_may(localrun):
    localrun.write("train.py", SEND)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--nodes", "2", "--distribution", "pytorch")
    done = localrun.run(*words, "--network-rate", "8mbit", "train.py")
    assert done.returncode == 0, done.stderr
    rate = float(localrun.log(0).split()[1])
    assert 1e6 < rate < 10e6
    assert not [note for note in localrun.record()["notes"] if "network" in note]


def test_network_that_cannot_be_had_is_refused_before_the_run(localrun):
    localrun.write("train.py", "")
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--distribution", "pytorch")
    for more, said in (
        (("--nodes", "2", "--network-rate", "fast"), b"--network-rate: 'fast' cannot be read"),
        (("--nodes", "2", "--network-loss", "200%"), b"cannot be read"),
        (("--network-rate", "1mbit"), b"the run has one"),
    ):
        refused = localrun.run(*words, *more, "train.py")
        assert refused.returncode == 125
        assert said in refused.stderr
    known = subprocess.run(
        ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
        capture_output=True,
        check=False,
    )
    done = localrun.run(*words, "--nodes", "2", "--network-delay", "5ms", "--network-loss", "1%", "train.py")
    if known.returncode:
        assert done.returncode == 125
        assert b"this kernel has no netem" in done.stderr
        assert b"kind=network" in done.stderr
        assert localrun.records() == []
    else:
        assert done.returncode == 0, done.stderr


def test_rank_that_hangs_in_a_container_ends_the_run(localrun):
    text = "import os, time\nif os.environ['RANK'] == '1': time.sleep(600)\nwhile True: print('on', flush=True); time.sleep(0.05)"
    localrun.write("train.py", text)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "-n", "2", "--rank-timeout", "3")
    done = localrun.run(*words, "train.py")
    assert done.returncode == 124, done.stderr
    assert b"rank 1 (node 0) hung" in done.stderr


def test_record_has_the_peak_of_each_ranks_memory_in_containers(localrun):
    text = """
import os, time
held = b"x" * (100 * 1024**2 * (int(os.environ["RANK"]) + 1))
del held
print("held", flush=True)
time.sleep(600)
"""
    localrun.write("train.py", text)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "-n", "2", "--nodes", "2")
    run_id = localrun.run("-q", "-d", *words, "train.py").stdout.decode().strip()
    wait_until(lambda: localrun.command("logs", run_id).stdout.count(b"held") == 4, 60)
    assert localrun.command("stop", run_id).returncode == 0
    peaks = [rank["peak_memory_bytes"] // 1024**2 for rank in localrun.record()["ranks"]]
    assert all(100 * (rank + 1) <= peak < 100 * (rank + 2) for rank, peak in enumerate(peaks)), peaks
