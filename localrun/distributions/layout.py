"""Layout: which ranks stand where, as every distribution sees it."""

from __future__ import annotations

from localrun.values import value


@value
class Layout:
    """The nodes of a run and the ranks on them; ranks are numbered node by node.

    Attributes:
        hosts: For each node the address at which the others reach it.
        sizes: For each node how many ranks it has.
        workers: Of `tensorflow`.
        parameter_servers: Of `tensorflow`.
    """

    hosts: tuple[str, ...]
    sizes: tuple[int, ...]
    workers: int = 0
    parameter_servers: int = 0

    @property
    def world_size(self) -> int:
        """How many ranks there are."""
        return sum(self.sizes)


@value
class Member:
    """One rank in a layout.

    Attributes:
        rank: Global rank, from 0.
        local_rank: Rank on its node, from 0.
        node: Index of its node.
    """

    rank: int
    local_rank: int
    node: int


def list_members(layout: Layout) -> tuple[Member, ...]:
    """List the ranks of a layout in order, length `world_size`."""
    places = [(node, local_rank) for node, size in enumerate(layout.sizes) for local_rank in range(size)]
    return tuple(Member(rank=rank, local_rank=local, node=node) for rank, (node, local) in enumerate(places))
