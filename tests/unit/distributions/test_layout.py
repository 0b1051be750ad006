"""Ranks are numbered node by node."""

from __future__ import annotations

from localrun.distributions.layout import Layout, Member, list_members


def test_members_are_numbered_node_by_node():
    members = list_members(Layout(hosts=("a", "b"), sizes=(2, 1)))
    assert members == (
        Member(rank=0, local_rank=0, node=0),
        Member(rank=1, local_rank=1, node=0),
        Member(rank=2, local_rank=0, node=1),
    )


def test_world_size_is_the_number_of_ranks():
    assert Layout(hosts=("a", "b"), sizes=(2, 3)).world_size == 5
