"""The samples of distributed runs give the right results, on both targets."""

from __future__ import annotations

import pytest
from sample_kit import mount, run_sample, verify

pytestmark = [pytest.mark.slow, pytest.mark.pypi, pytest.mark.timeout(900)]


@pytest.mark.parametrize("sample", ["ddp", "torchrun"])
def test_two_nodes_of_two_ranks_learn_what_one_process_does(torch_python, tmp_path, sample):
    shown = run_sample(sample, tmp_path / "out", "-t", "local", "-E", f"interpreter:{torch_python}", "job.yml")
    assert [f"rank {rank} of 4 trains" in shown for rank in range(4)] == [True] * 4
    verify("ddp", tmp_path / "out")  # the same script, so the same outputs


def test_two_containers_of_two_ranks_learn_what_one_process_does(torch_python, python_image, tmp_path):
    options = ("-t", "docker", "-E", f"image:{python_image}", *mount(torch_python), "--distribution", "pytorch")
    run_sample("ddp", tmp_path / "out", *options, "--nodes", "2", "-n", "2", "train.py")
    verify("ddp", tmp_path / "out")


def test_four_ranks_of_mpi_add_up(mpi_python, tmp_path):
    run_sample("mpi", tmp_path / "out", "-t", "local", "-E", f"interpreter:{mpi_python}", "job.yml")
    verify("mpi", tmp_path / "out")


def test_four_ranks_of_mpi_add_up_with_the_mpirun_of_the_system(mpi4py_python, tmp_path):
    environment = f"interpreter:{mpi4py_python}"
    run_sample("mpi", tmp_path / "out", "-t", "local", "-E", environment, "--nodes", "2", "-n", "2", "job.yml")
    verify("mpi", tmp_path / "out", "2")


@pytest.mark.parametrize(("nodes", "share"), [(1, 4), (2, 2)])
def test_four_ranks_of_mpi_add_up_in_containers(mpi_python, python_image, tmp_path, nodes, share):
    options = (
        "-t",
        "docker",
        "-E",
        f"image:{python_image}",
        *mount(mpi_python, with_programs=True),
        "--distribution",
        "mpi",
    )
    words = ("--nodes", str(nodes), "-n", str(share), "--command", "exec /usr/bin/python3 integrate.py")
    run_sample("mpi", tmp_path / "out", *options, *words)
    verify("mpi", tmp_path / "out", str(nodes))
