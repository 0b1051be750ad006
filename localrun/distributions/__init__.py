"""Distributions: what each rank is told about the others.

What lives here: one file a distribution, pure, and the layout of nodes and ranks that all of them see.
What does not: starting anything.
"""

from __future__ import annotations

from localrun.distributions import mpi, none, pytorch, tensorflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.distributions.layout import Layout, Member

DISTRIBUTIONS: dict[str, Callable[[Layout, Member], dict[str, str]]] = {
    "none": none.describe_rank,
    "pytorch": pytorch.describe_rank,
    "mpi": mpi.describe_rank,
    "tensorflow": tensorflow.describe_rank,
}
"""For each type of distribution the function that gives one rank's variables."""
TOLD = frozenset({
    "AZ_BATCHAI_JOB_MASTER_NODE_IP", "AZ_BATCHAI_MPI_MASTER_NODE", "AZ_BATCH_HOST_LIST",
    "AZ_BATCH_IS_CURRENT_NODE_MASTER", "AZ_BATCH_MASTER_NODE", "AZ_BATCH_NODE_LIST", "GROUP_RANK", "GROUP_WORLD_SIZE",
    "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "RANK", "ROLE_NAME", "ROLE_RANK",
    "ROLE_WORLD_SIZE", "TF_CONFIG", "TORCHELASTIC_MAX_RESTARTS", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_RUN_ID",
    "TORCHELASTIC_USE_AGENT_STORE", "WORLD_SIZE", *mpi.BY_MPIRUN,
})  # fmt: skip
"""All that ranks are told about one another by a distribution or by its `mpirun`, by name."""
