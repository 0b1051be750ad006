"""Ranks of MPI jobs: started here, known to a real mpirun, and each with a log, a code and signals of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

from run_kit import hear, wait_until

SHOW = """
import json, os
names = "OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_LOCAL_RANK OMPI_COMM_WORLD_LOCAL_SIZE"
names += " AZ_BATCH_MASTER_NODE AZ_BATCHAI_MPI_MASTER_NODE AZUREML_CR_NODE_RANK RANK PWD"
print(json.dumps({name: os.environ.get(name) for name in names.split()}))
"""


def run_mpi(localrun, *words, **options):
    return localrun.run("--distribution", "mpi", "-E", f"interpreter:{sys.executable}", *words, **options)


def read_all(localrun, count):
    return [json.loads(localrun.log(rank)) for rank in range(count)]


def test_four_ranks_are_told_by_mpirun_who_they_are(localrun):
    localrun.write("show.py", SHOW)
    done = run_mpi(localrun, "-n", "4", "show.py")
    assert done.returncode == 0, done.stderr
    told = read_all(localrun, 4)
    assert [item["OMPI_COMM_WORLD_RANK"] for item in told] == list("0123")
    assert {item["OMPI_COMM_WORLD_SIZE"] for item in told} == {"4"}
    assert {item["AZ_BATCHAI_MPI_MASTER_NODE"] for item in told} == {"localhost"}
    assert {item["RANK"] for item in told} == {None}
    wait_until(lambda: not os.path.exists(os.path.join(localrun.record()["folder"], "mpi")))
    assert localrun.wait_for_processes() == []


def test_ranks_of_two_nodes_know_their_places_on_them(localrun):
    localrun.write("show.py", SHOW)
    assert run_mpi(localrun, "--nodes", "2", "-n", "2", "show.py").returncode == 0
    told = read_all(localrun, 4)
    assert [item["OMPI_COMM_WORLD_LOCAL_RANK"] for item in told] == list("0101")
    assert {item["OMPI_COMM_WORLD_LOCAL_SIZE"] for item in told} == {"2"}
    assert [item["AZUREML_CR_NODE_RANK"] for item in told] == list("0011")
    assert [item["PWD"] for item in told] == [item["PWD"] for item in (told[0], told[0], told[2], told[2])]
    port = localrun.record()["master_port"]
    assert {item["AZ_BATCH_MASTER_NODE"] for item in told} == {f"127.0.0.1:{port}"}


def test_each_rank_has_its_own_lines_and_the_first_that_fails_is_named(localrun):
    localrun.write(
        "fail.py",
        "import os, sys, time\n"
        "rank = os.environ['OMPI_COMM_WORLD_RANK']\n"
        "print('I am', rank, flush=True)\n"
        "sys.exit(3) if rank == '2' else time.sleep(60)\n",
    )
    done = run_mpi(localrun, "-n", "4", "fail.py")
    assert done.returncode == 3
    assert b"rank 2 (node 0) ended with exit code 3" in done.stderr
    assert localrun.log(2) == b"I am 2\n"
    record = localrun.record()
    assert (record["first_failure"]["rank"], record["ranks"][2]["exit_code"]) == (2, 3)
    assert localrun.wait_for_processes() == []


def test_mpirun_that_fails_ends_the_run_with_its_code_and_words(localrun, tmp_path):
    localrun.write("sleep.py", "import time\ntime.sleep(60)\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "mpirun").write_text("#!/bin/sh\necho no network today\nexit 42\n")
    (programs / "mpirun").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    done = run_mpi(localrun, "-n", "2", "sleep.py", env={"PATH": path})
    assert done.returncode == 42, done.stderr
    assert b"mpirun ended the run with exit code 42: no network today" in done.stderr
    assert localrun.wait_for_processes() == []


def test_without_mpirun_nothing_runs(localrun, tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "bash", "env"):
        (programs / name).symlink_to(shutil.which(name))
    localrun.write("touch.py", "open('/ran', 'w')\n")
    done = run_mpi(localrun, "-n", "2", "touch.py", env={"PATH": str(programs)})
    assert done.returncode == 125
    assert b"needs an mpirun" in done.stderr
    assert b"hint: install" in done.stderr
    assert done.stderr.endswith(b"kind=no_mpirun\n")
    assert localrun.records() == []


def test_terminated_run_leaves_neither_ranks_nor_mpirun(localrun):
    here = localrun.fifo()
    localrun.write("stay.py", f"import time\nopen({here!r}, 'w').write('here\\n')\ntime.sleep(60)\n")
    words = ("run", "--distribution", "mpi", "-n", "2", "-E", f"interpreter:{sys.executable}", "stay.py")
    with localrun.start(*words) as child:
        hear(here, 2)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 143
    assert localrun.wait_for_processes() == []


def test_bootstrap_comes_before_ranks_of_mpi(localrun):
    localrun.write("boot.sh", "echo ready > booted\n")
    localrun.write("look.py", "print(open('booted').read().strip())\n")
    done = run_mpi(localrun, "-n", "2", "--bootstrap", "boot.sh", "look.py")
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank).split()[-1] for rank in (0, 1)] == [b"ready", b"ready"]
