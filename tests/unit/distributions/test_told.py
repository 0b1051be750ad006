"""What ranks are told about one another has its names in one list."""

from __future__ import annotations

from localrun.distributions import DISTRIBUTIONS, TOLD
from localrun.distributions.layout import Layout, Member
from localrun.distributions.mpi import BY_MPIRUN


def test_list_names_what_every_distribution_tells_and_nothing_else():
    told = set(BY_MPIRUN)
    for describe in DISTRIBUTIONS.values():
        for nodes in (1, 2):
            layout = Layout(hosts=("a", "b")[:nodes], sizes=(1, 1)[:nodes], workers=nodes)
            told |= set(describe(layout, Member(rank=0, local_rank=0, node=0)))
    assert told == TOLD
