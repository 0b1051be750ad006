"""No distribution: every node runs the command once, and the ranks know nothing of one another."""

from __future__ import annotations


def describe_rank(*, rank: int, local_rank: int, node: int, nodes: int, processes_per_node: int) -> dict[str, str]:
    """Give the variables of one rank: none of its own."""
    del rank, local_rank, node, nodes, processes_per_node
    return {}
