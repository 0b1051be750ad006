"""Ranks of every distribution know one another, and many of them are no different from a few."""

from __future__ import annotations

import json
import sys

OWN = ("-E", f"interpreter:{sys.executable}")
RANKS = 64


def test_tasks_of_tensorflow_have_free_ports_of_their_own_and_the_same_cluster(localrun):
    localrun.write("task.py", "import os\nprint(os.environ['TF_CONFIG'])\n")
    localrun.write(
        "job.yml",
        "command: python task.py\ncode: .\nenvironment: {image: 'x:1'}\n"
        "distribution: {type: tensorflow, worker_count: 2, parameter_server_count: 1}\n"
        "resources: {instance_count: 2}\n",
    )
    done = localrun.run("-t", "local", *OWN, "job.yml")
    assert done.returncode == 0, done.stderr
    told = [json.loads(localrun.log(rank)) for rank in range(3)]
    cluster = told[0]["cluster"]
    assert [item["cluster"] for item in told] == [cluster] * 3
    places = [(item["task"]["type"], item["task"]["index"]) for item in told]
    assert places == [("worker", 0), ("ps", 0), ("worker", 1)]
    addresses = [*cluster["worker"], *cluster["ps"]]
    assert len(set(addresses)) == 3
    assert all(address.startswith("127.0.0.1:2") for address in addresses)


def test_nodes_without_a_distribution_run_the_command_once_each(localrun):
    localrun.write("who.py", "import os\nprint(os.environ['AZUREML_CR_NODE_RANK'], os.environ.get('RANK'))\n")
    done = localrun.run(*OWN, "--nodes", "2", "who.py")
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank) for rank in (0, 1)] == [b"0 None\n", b"1 None\n"]


def test_64_ranks_start_and_each_has_its_log(localrun):
    localrun.write("who.py", "import os\nprint(os.environ['RANK'], os.environ['WORLD_SIZE'])\n")
    done = localrun.run(*OWN, "-n", str(RANKS), "who.py", timeout=200)
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank) for rank in range(RANKS)] == [b"%d %d\n" % (rank, RANKS) for rank in range(RANKS)]
    assert done.stdout.count(b"\n") == RANKS


def test_64_ranks_of_mpi_start_on_however_few_processors(localrun):
    localrun.write("who.py", "import os\nprint(os.environ['OMPI_COMM_WORLD_RANK'])\n")
    done = localrun.run(*OWN, "--distribution", "mpi", "-n", str(RANKS), "who.py", timeout=200)
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank) for rank in range(RANKS)] == [b"%d\n" % rank for rank in range(RANKS)]


def test_ranks_of_mpi_start_from_a_workspace_whose_name_has_blanks(localrun):
    localrun.home += " of mine"
    localrun.write("who.py", "import os\nprint(os.environ['OMPI_COMM_WORLD_RANK'])\n")
    done = localrun.run(*OWN, "--distribution", "mpi", "-n", "2", "who.py")
    assert done.returncode == 0, done.stderr
    assert [localrun.log(rank) for rank in range(2)] == [b"0\n", b"1\n"]
