"""`--bootstrap`: once on each node, the ranks wait at localrun's barrier, and every bad end of it is an error at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from packages_kit import hash_tree, make_wheel
from run_kit import hear
from venv_kit import find_packages, find_venv


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory):
    """Give the interpreter of a virtual environment of these tests' own, with pip in it."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    # ensurepip would compile all of it for ten seconds
    shutil.copytree(find_packages(find_venv("plain")), find_packages(python), dirs_exist_ok=True)
    return python


def lines_of(done):
    return [line for line in done.stderr.decode().splitlines() if not line.startswith("localrun: running")]


def test_ranks_wait_for_the_bootstrap_of_their_own_node(localrun):
    started = f"{localrun.home}/started"
    localrun.write(
        "prepare.sh",
        "sleep 0.2; node=$AZUREML_CR_NODE_RANK\n"  # ranks that did not wait would be earlier
        f"[ $node = 0 ] || until [ -e {started}-0 ] && [ -e {started}-1 ]; do sleep 0.02; done\n"  # else for ever
        "echo ready > ready-$node",
    )
    localrun.write(
        "train.py", f"import glob, os; print(glob.glob('ready-*')); open('{started}-' + os.environ['RANK'], 'w')"
    )
    done = localrun.run("--nodes", "2", "-n", "2", "--bootstrap", "prepare.sh", "train.py")
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank) for rank in range(4)] == [b"['ready-0']\n"] * 2 + [b"['ready-1']\n"] * 2
    with open(f"{localrun.record()['folder']}/node-1/bootstrap.json", encoding="ascii") as file:
        assert json.load(file) == {"run_id": localrun.record()["run_id"], "node": 1, "exit_code": 0}


def test_barrier_releases_every_rank_within_milliseconds(localrun):
    localrun.write("prepare.sh", "sleep 0.3; date +%s.%N > ready")
    localrun.write("train.sh", "date +%s.%N")
    late = []
    while len(late) < 10 and min(late, default=1) > 0.05:  # bash and date themselves take some of it
        assert (
            localrun.run(
                "-q", "-n", "4", "--bootstrap", "prepare.sh", "--source", ".", "--command", ". ./train.sh"
            ).returncode
            == 0
        )
        with open(f"{localrun.record()['folder']}/wd/ready", encoding="ascii") as file:
            ready = float(file.read())
        late.append(max(float(localrun.log(rank)) for rank in range(4)) - ready)
    assert min(late) < 0.05


def test_bootstrap_that_fails_ends_the_waiting_ranks_and_is_named(localrun):
    localrun.write("prepare.sh", "echo installing; false; echo never")  # errors are not passed over
    localrun.write("train.py", "print('never')")
    began = time.monotonic()
    done = localrun.run("-n", "4", "--bootstrap", "prepare.sh", "train.py")
    assert time.monotonic() - began < 30  # they do not wait for a barrier that nobody reaches
    assert done.returncode == 1
    assert b"never" not in done.stdout
    message = "localrun: rank 0 (node 0) failed in the bootstrap script (exit code 1) after"
    assert lines_of(done)[0].startswith(message)
    assert "ranks 1, 2, 3 waited at the barrier and never started" in lines_of(done)[0]
    assert "  | installing" in lines_of(done)
    record = localrun.record()
    assert (record["first_failure"]["reason"], record["first_failure"]["rank"]) == ("bootstrap_failed", 0)
    assert [(rank["status"], rank["exit_code"]) for rank in record["ranks"]] == [("not_started", None)] * 4


def test_failing_pipe_in_a_bootstrap_fails_it(localrun):
    localrun.write("prepare.sh", "(echo x; exit 4) | cat")
    localrun.write("train.py", "")
    assert localrun.run("--bootstrap", "prepare.sh", "train.py").returncode == 4


def test_bootstrap_of_another_node_that_fails_is_named(localrun):
    localrun.write("prepare.sh", "[ $AZUREML_CR_NODE_RANK = 0 ] || exit 9")
    localrun.write("train.py", "import time; time.sleep(600)")
    done = localrun.run("--nodes", "2", "-n", "2", "--bootstrap", "prepare.sh", "train.py")
    assert done.returncode == 9
    assert lines_of(done)[0].startswith("localrun: rank 2 (node 1) failed in the bootstrap script (exit code 9)")
    statuses = [rank["status"] for rank in localrun.record()["ranks"]]
    assert statuses[2:] == ["not_started"] * 2


def test_bootstrap_that_is_killed_ends_the_waiting_ranks(localrun):
    here = localrun.fifo()
    localrun.write("prepare.sh", f"echo $$ > {here}; sleep 600")
    localrun.write("train.py", "")
    words = ("-n", "3", "--stop-timeout", "90", "--bootstrap", "prepare.sh", "train.py")
    with localrun.start("run", *words) as child:
        os.kill(int(hear(here)[0]), 9)
        began = time.monotonic()
        err = child.communicate(timeout=120)[1]
    assert time.monotonic() - began < 60
    assert child.returncode == 137
    assert b"rank 0 (node 0) failed in the bootstrap script (exit code 137)" in err


def test_bootstrap_that_hangs_ends_at_the_barrier_timeout(localrun):
    localrun.write("prepare.sh", "sleep 600")
    localrun.write("train.py", "")
    began = time.monotonic()
    done = localrun.run("-n", "3", "--bootstrap", "prepare.sh", "--barrier-timeout", "0.5", "train.py")
    assert time.monotonic() - began < 30
    assert done.returncode == 125
    assert lines_of(done)[-1] == "kind=barrier_timeout"
    message = "rank 0 (node 0) was still in the bootstrap script at the barrier's time limit"
    assert message in lines_of(done)[0]
    assert "ranks 1, 2 waited at the barrier" in lines_of(done)[0]
    assert localrun.record()["first_failure"]["exit_code"] is None


def test_rank_that_dies_at_the_barrier_ends_the_run(localrun):
    here = localrun.fifo()
    localrun.write("prepare.sh", f"echo $$ > {here}; sleep 600")
    localrun.write("train.py", "")
    with localrun.start("run", "-n", "3", "--bootstrap", "prepare.sh", "train.py") as child:
        hear(here)
        time.sleep(0.2)
        os.kill(localrun.record()["ranks"][2]["pid"], 9)
        err = child.communicate(timeout=30)[1]
    assert child.returncode == 137
    assert b"rank 2 (node 0) was ended by signal 9" in err


def test_bootstrap_without_an_end_of_its_own_processes_leaves_none(localrun):
    localrun.write("prepare.sh", "sleep 600 & setsid sleep 600 &\ntrue")
    localrun.write("train.py", "print('on')")
    done = localrun.run("--bootstrap", "prepare.sh", "train.py")
    assert (done.returncode, done.stdout) == (0, b"on\n")
    assert any("left 2 running processes" in line for line in lines_of(done))


@pytest.mark.parametrize("how", ["pip install", "python -m pip install", "pip3 install --upgrade"])
def test_what_a_bootstrap_installs_is_seen_by_its_node_in_its_run_only(localrun, interpreter, how):
    wheel = make_wheel(os.path.join(localrun.source, "wheels"))
    install = f"{how} --quiet --no-index wheels/{os.path.basename(wheel)}"
    localrun.write("prepare.sh", f"[ $AZUREML_CR_NODE_RANK = 1 ] || {install}")
    localrun.write("train.py", "import importlib.util; print(importlib.util.find_spec('greeting') is not None)")
    environment = os.path.dirname(os.path.dirname(interpreter))
    before = hash_tree(environment)
    words = ["-E", f"interpreter:{interpreter}", "--nodes", "2", "-n", "2"]
    done = localrun.run(*words, "--bootstrap", "prepare.sh", "train.py")
    assert done.returncode == 0, done.stdout
    assert [localrun.log(rank) for rank in range(4)] == [b"True\n"] * 2 + [b"False\n"] * 2
    assert hash_tree(environment) == before
    assert localrun.run(*words, "train.py").returncode == 0
    assert [localrun.log(rank) for rank in range(4)] == [b"False\n"] * 4


def test_python_without_pip_gets_the_one_that_came_with_it_for_its_node(localrun, tmp_path):
    environment = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    before = hash_tree(str(environment))
    wheel = make_wheel(os.path.join(localrun.source, "wheels"))
    localrun.write("prepare.sh", f"pip install --quiet --no-index wheels/{os.path.basename(wheel)}")
    localrun.write("train.py", "import greeting; print(greeting.hello())")
    done = localrun.run("-E", f"interpreter:{environment}/bin/python", "--bootstrap", "prepare.sh", "train.py")
    assert done.stdout.splitlines()[-1] == b"we love you", done.stdout
    assert b"localrun: this Python has no pip; the one that came with it is used" in done.stdout
    assert hash_tree(str(environment)) == before


def test_newer_version_that_a_bootstrap_installs_hides_the_environments_own(localrun, interpreter, tmp_path):
    old = make_wheel(str(tmp_path / "old"), "layered", "1.0", "version = 1\n")
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "--no-index", old], check=True)
    new = make_wheel(os.path.join(localrun.source, "wheels"), "layered", "2.0", "version = 2\n")
    localrun.write("prepare.sh", f"pip install --quiet --no-index wheels/{os.path.basename(new)}")
    localrun.write("train.py", "import layered; print(layered.version)")
    environment = os.path.dirname(os.path.dirname(interpreter))
    before = hash_tree(environment)
    assert localrun.run("-E", f"interpreter:{interpreter}", "train.py").stdout == b"1\n"
    done = localrun.run("-E", f"interpreter:{interpreter}", "--bootstrap", "prepare.sh", "train.py")
    assert done.stdout.splitlines()[-1] == b"2"
    assert hash_tree(environment) == before
