"""Ranks of a pytorch job know one another as under Azure ML and torchrun."""

from __future__ import annotations

from localrun.distributions import DISTRIBUTIONS, none, pytorch
from localrun.distributions.layout import Layout, Member
from localrun.plan import MASTER_PORT, RUN_ID


def test_rank_1_of_node_1_of_two_nodes_with_two_processes():
    layout = Layout(hosts=("node-0", "node-1"), sizes=(2, 2))
    told = pytorch.describe_rank(layout, Member(rank=3, local_rank=1, node=1))
    assert told == {
        "RANK": "3",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "4",
        "LOCAL_WORLD_SIZE": "2",
        "NODE_RANK": "1",
        "GROUP_RANK": "1",
        "GROUP_WORLD_SIZE": "2",
        "ROLE_NAME": "default",
        "ROLE_RANK": "3",
        "ROLE_WORLD_SIZE": "4",
        "MASTER_ADDR": "node-0",
        "MASTER_PORT": MASTER_PORT,
        "TORCHELASTIC_RUN_ID": RUN_ID,
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_MAX_RESTARTS": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "False",
    }


def test_with_one_process_a_node_the_rank_is_the_node():
    layout = Layout(hosts=("a", "b"), sizes=(1, 1))
    told = pytorch.describe_rank(layout, Member(rank=1, local_rank=0, node=1))
    assert (told["RANK"], told["NODE_RANK"], told["LOCAL_RANK"], told["WORLD_SIZE"]) == ("1", "1", "0", "2")


def test_without_a_distribution_a_rank_is_told_nothing():
    layout = Layout(hosts=("127.0.0.1",), sizes=(1,))
    assert none.describe_rank(layout, Member(rank=0, local_rank=0, node=0)) == {}


def test_the_table_holds_what_this_version_runs():
    assert set(DISTRIBUTIONS) == {"none", "pytorch", "mpi", "tensorflow"}
