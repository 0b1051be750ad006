"""Distributed runs in containers that share something, or lack something."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

SHOW = "import json, os; print(json.dumps({n: os.environ[n] for n in ('MASTER_ADDR', 'MASTER_PORT', 'RANK')}))"


@pytest.fixture
def other():
    """Give a container of somebody else."""
    command = ("docker", "run", "-d", "--rm", "localrun-test/python", "sleep", "600")
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    yield made
    subprocess.run(("docker", "rm", "-f", made), capture_output=True, check=True)


def test_rank_0_has_a_port_of_its_own_in_the_network_of_another_container(localrun, other):
    localrun.write("show.py", SHOW)
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--network", f"container:{other}", "-n", "2")
    done = localrun.run("-q", *words, "show.py")
    assert done.returncode == 0, done.stderr
    told = [json.loads(localrun.log(rank)) for rank in range(2)]
    port = localrun.record()["master_port"]
    assert told == [{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank)} for rank in range(2)]
    assert os.path.exists(os.path.join(localrun.home, "ports", str(port)))


def test_tasks_of_tensorflow_find_one_another_by_the_names_of_their_containers(localrun):
    localrun.write("task.py", "import os\nprint(os.environ['TF_CONFIG'])\n")
    localrun.write(
        "job.yml",
        "command: python3 task.py\ncode: .\nenvironment: {image: localrun-test/python}\n"
        "distribution: {type: tensorflow, worker_count: 2, parameter_server_count: 1}\n"
        "resources: {instance_count: 2}\n",
    )
    done = localrun.run("-q", "-t", "docker", "job.yml")
    assert done.returncode == 0, done.stderr
    told = [json.loads(localrun.log(rank)) for rank in range(3)]
    assert [item["cluster"] for item in told] == [told[0]["cluster"]] * 3
    cluster = told[0]["cluster"]
    assert [address.partition(":")[0] for address in (*cluster["worker"], *cluster["ps"])] == [
        "node-0",
        "node-1",
        "node-0",
    ]
    assert len({*cluster["worker"], *cluster["ps"]}) == 3


def test_image_without_mpirun_is_refused_before_anything_runs(localrun):
    localrun.write("show.py", "raise SystemExit('it ran')")
    words = ("-t", "docker", "-E", "image:localrun-test/python", "--distribution", "mpi", "-n", "2")
    refused = localrun.run(*words, "show.py")
    assert refused.returncode == 125
    assert b"the image localrun-test/python has none" in refused.stderr
    assert refused.stderr.endswith(b"kind=no_mpirun\n")
    assert localrun.records() == []
