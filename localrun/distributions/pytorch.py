"""PyTorch: the whole command runs once a rank, and torch finds the others through `env://`.

Source: the rank variables that Azure ML documents for a `pytorch` job, and torchrun's contract on top of them. With one
process a node the command may be a launcher of its own, such as torchrun: RANK is then the node's index.
"""

from __future__ import annotations

from localrun.plan import MASTER_PORT, RUN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.distributions.layout import Layout, Member


def describe_rank(layout: Layout, member: Member) -> dict[str, str]:
    """Give the variables of one rank; the port is a token of `localrun.plan`."""
    world_size = str(layout.world_size)
    return {
        "RANK": str(member.rank),
        "LOCAL_RANK": str(member.local_rank),
        "WORLD_SIZE": world_size,
        "LOCAL_WORLD_SIZE": str(layout.sizes[member.node]),
        "NODE_RANK": str(member.node),
        "GROUP_RANK": str(member.node),
        "GROUP_WORLD_SIZE": str(len(layout.sizes)),
        "ROLE_NAME": "default",
        "ROLE_RANK": str(member.rank),
        "ROLE_WORLD_SIZE": world_size,
        "MASTER_ADDR": layout.hosts[0],
        "MASTER_PORT": MASTER_PORT,
        "TORCHELASTIC_RUN_ID": RUN_ID,
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_MAX_RESTARTS": "0",
        # No agent of torchrun's is there to host the store: rank 0 hosts it.
        "TORCHELASTIC_USE_AGENT_STORE": "False",
    }
