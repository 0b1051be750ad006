"""PyTorch: the whole command runs once a rank, and torch finds the others through `env://`.

Source: the rank variables that Azure ML documents for a `pytorch` job, and torchrun's contract on top of them.
"""

from __future__ import annotations

from localrun.plan import MASTER_PORT, RUN_ID


def describe_rank(*, rank: int, local_rank: int, node: int, nodes: int, processes_per_node: int) -> dict[str, str]:
    """Give the variables of one rank.

    Args:
        rank: Global rank, `node * processes_per_node + local_rank`.
        local_rank: Rank on its node.
        node: Index of the node.
        nodes: Number of nodes.
        processes_per_node: Ranks on each node.

    Returns:
        Names and values; the port is a token of `localrun.plan`.
    """
    world_size = str(nodes * processes_per_node)
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(local_rank),
        "WORLD_SIZE": world_size,
        "LOCAL_WORLD_SIZE": str(processes_per_node),
        "NODE_RANK": str(node),
        "GROUP_RANK": str(node),
        "GROUP_WORLD_SIZE": str(nodes),
        "ROLE_NAME": "default",
        "ROLE_RANK": str(rank),
        "ROLE_WORLD_SIZE": world_size,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": MASTER_PORT,
        "TORCHELASTIC_RUN_ID": RUN_ID,
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_MAX_RESTARTS": "0",
        # No agent of torchrun's is there to host the store: rank 0 hosts it.
        "TORCHELASTIC_USE_AGENT_STORE": "False",
    }
