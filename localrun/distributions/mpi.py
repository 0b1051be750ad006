"""MPI: a real `mpirun` makes the ranks known to one another; here is what Azure ML tells them on top of it.

Source: the `AZ_BATCH*` variables of Azure ML's MPI jobs. `OMPI_COMM_WORLD_*` and the like come from `mpirun` itself;
`RANK`, `MASTER_ADDR` and their kind are not set: scripts derive them.
"""

from __future__ import annotations

from localrun.plan import MASTER_PORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.distributions.layout import Layout, Member

BY_MPIRUN = (
    *(f"OMPI_COMM_WORLD_{name}" for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "NODE_RANK")),
    *("OMPI_UNIVERSE_SIZE", "PMIX_RANK", "PMIX_NAMESPACE", "PMIX_ID"),
    *("PMI_RANK", "PMI_SIZE", "PMI_ID", "PMI_PORT", "PMI_FD", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
)
"""What `mpirun` tells each rank; values of the caller's environment never show there."""


def describe_rank(layout: Layout, member: Member) -> dict[str, str]:
    """Give the variables of one rank; the port is a token of `localrun.plan`."""
    first = layout.hosts[0]
    told = {
        "AZ_BATCHAI_JOB_MASTER_NODE_IP": first,
        "AZ_BATCH_HOST_LIST": ",".join(layout.hosts),
        "AZ_BATCH_NODE_LIST": ";".join(layout.hosts),
        "AZ_BATCH_IS_CURRENT_NODE_MASTER": "true" if member.node == 0 else "false",
    }
    if len(layout.hosts) > 1:
        told["AZ_BATCH_MASTER_NODE"] = f"{first}:{MASTER_PORT}"
    else:
        told["AZ_BATCHAI_MPI_MASTER_NODE"] = "localhost"
    return told
