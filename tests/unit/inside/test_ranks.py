"""Which ranks of a run are meant."""

from __future__ import annotations

import pytest

from localrun.errors import RunNotFound
from localrun.inside.ranks import choose_rank, describe_range, name_processes, ranks_of_node


def describe_record(*nodes, distributed=True):
    ranks = [
        {
            "rank": rank,
            "node": node,
            "variables": {
                "AZUREML_CR_NODE_RANK": str(node),
                "AZUREML_PROCESS_NAME": f"rank_{rank}" if distributed else "main",
            },
        }
        for rank, node in enumerate(nodes)
    ]
    return {"run_id": "a_1", "ranks": ranks, "plan": {"ranks": ranks}}


def test_ranks_of_a_node_are_given_in_order():
    assert ranks_of_node(describe_record(0, 0, 1, 1), 1) == (2, 3)


def test_rank_that_is_there_is_chosen():
    assert choose_rank(describe_record(0, 0), 1) == 1


@pytest.mark.parametrize(
    ("choose", "nodes", "said", "hint"),
    [
        (choose_rank, (0, 0, 1, 1), "run a_1 has no rank 7", "its ranks are 0 to 3"),
        (choose_rank, (0,), "run a_1 has no rank 7", "its only rank is 0"),
        (choose_rank, (), "run a_1 has no rank 7", "it has started no ranks yet"),
        (ranks_of_node, (0, 0, 1, 1), "run a_1 has no node 7", "its nodes are 0 to 1"),
        (ranks_of_node, (0, 0), "run a_1 has no node 7", "its only node is 0"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(choose, nodes, said, hint):
    with pytest.raises(RunNotFound) as caught:
        choose(describe_record(*nodes), 7)
    assert (caught.value.message, caught.value.hint) == (said, hint)


def test_range_of_one_is_named_in_the_singular():
    assert describe_range("nodes", [3]) == "its only node is 3"


@pytest.mark.parametrize("distributed", [True, False])
def test_every_rank_has_a_name_of_its_own(distributed):
    assert sorted(name_processes(describe_record(0, 1, 2, distributed=distributed)).values()) == [0, 1, 2]
