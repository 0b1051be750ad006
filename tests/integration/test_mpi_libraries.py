"""MPI with the libraries that are not Open MPI: MPICH and Intel MPI, as their packages bring them."""

from __future__ import annotations

import pytest
from sample_kit import mount, run_sample, verify
from venv_kit import find_venv

pytestmark = [pytest.mark.slow, pytest.mark.pypi, pytest.mark.timeout(900)]

SAYS = {"mpich": "MPICH Version", "intel": "Intel(R) MPI Library"}
NAME = "from mpi4py import MPI\nprint(MPI.Get_library_version(), MPI.COMM_WORLD.allreduce(1), flush=True)\n"
FAIL = """
import os, sys, time
from mpi4py import MPI
MPI.COMM_WORLD.Barrier()
sys.stdout.write(f"rank {MPI.COMM_WORLD.rank}\\n"); sys.stdout.flush()
os._exit(3) if MPI.COMM_WORLD.rank == 2 else time.sleep(600)
"""


@pytest.fixture(params=["mpich", "intel"])
def library(request):
    """Give the name of a library and the python of a venv with it."""
    return request.param, find_venv(f"mpi-{request.param}")


@pytest.mark.parametrize(("nodes", "share"), [(1, 4), (2, 2)])
def test_four_ranks_add_up_with_each_library(library, tmp_path, nodes, share):
    _, python = library
    words = ("--nodes", str(nodes), "-n", str(share), "job.yml")
    run_sample("mpi", tmp_path / "out", "-t", "local", "-E", f"interpreter:{python}", *words)
    verify("mpi", tmp_path / "out", *([str(nodes)] if nodes > 1 else []))


def test_ranks_have_the_library_of_their_environment(library, localrun):
    name, python = library
    localrun.write("name.py", NAME)
    done = localrun.run("--distribution", "mpi", "-n", "2", "-E", f"interpreter:{python}", "name.py")
    assert done.returncode == 0, done.stderr
    for rank in range(2):
        said = localrun.log(rank).decode()
        assert SAYS[name] in said
        assert said.endswith(" 2\n")


def test_first_rank_that_fails_is_named_with_each_library(library, localrun):
    _, python = library
    localrun.write("fail.py", FAIL)
    done = localrun.run("--distribution", "mpi", "-n", "4", "-E", f"interpreter:{python}", "fail.py")
    assert done.returncode == 3, done.stderr
    assert b"rank 2 (node 0) ended with exit code 3" in done.stderr
    assert localrun.wait_for_processes() == []


@pytest.mark.parametrize(("nodes", "share"), [(1, 4), (2, 2)])
def test_four_ranks_add_up_in_containers_with_each_library(library, python_image, tmp_path, nodes, share):
    _, python = library
    options = ("-t", "docker", "-E", f"image:{python_image}", *mount(python, with_programs=True))
    words = ("--nodes", str(nodes), "-n", str(share), "--command", "exec /usr/bin/python3 integrate.py")
    run_sample("mpi", tmp_path / "out", *options, "--distribution", "mpi", *words)
    verify("mpi", tmp_path / "out", str(nodes))
