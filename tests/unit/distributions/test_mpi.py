"""Ranks of an MPI job are told what Azure ML tells them beside what mpirun does."""

from __future__ import annotations

from localrun.distributions import mpi
from localrun.distributions.layout import Layout, Member
from localrun.plan import MASTER_PORT

FIRST = Member(rank=0, local_rank=0, node=0)


def test_a_job_on_one_node_has_its_master_by_name():
    told = mpi.describe_rank(Layout(hosts=("127.0.0.1",), sizes=(4,)), FIRST)
    assert told["AZ_BATCHAI_MPI_MASTER_NODE"] == "localhost"
    assert "AZ_BATCH_MASTER_NODE" not in told


def test_a_job_on_several_nodes_has_its_master_with_a_port():
    layout = Layout(hosts=("node-0", "node-1"), sizes=(2, 2))
    told = [mpi.describe_rank(layout, Member(rank=2 * node, local_rank=0, node=node)) for node in (0, 1)]
    assert [item["AZ_BATCH_MASTER_NODE"] for item in told] == [f"node-0:{MASTER_PORT}"] * 2
    assert [item["AZ_BATCH_IS_CURRENT_NODE_MASTER"] for item in told] == ["true", "false"]
    assert told[1]["AZ_BATCH_HOST_LIST"] == "node-0,node-1"
    assert told[1]["AZ_BATCHAI_JOB_MASTER_NODE_IP"] == "node-0"
    assert "AZ_BATCHAI_MPI_MASTER_NODE" not in told[0]


def test_what_scripts_derive_themselves_is_not_set():
    told = mpi.describe_rank(Layout(hosts=("127.0.0.1",), sizes=(4,)), FIRST)
    assert not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "NODE_RANK", "LOCAL_RANK"} & told.keys()
