"""Ranks: how many, on which node, and what each one is told."""

from __future__ import annotations

from localrun.distributions import DISTRIBUTIONS
from localrun.errors import BadInput
from localrun.plan import RankPlan
from localrun.resolve.refusal import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.spec import RunSpec

MOST_RANKS = 1024
"""More ranks than this on one machine are taken for a slip of the finger."""


def check_counts(spec: RunSpec) -> None:
    """Refuse numbers of nodes and processes that make no run.

    Raises:
        BadInput: a count is below 1, or there are more ranks than anybody runs on one machine.
    """
    for key, flag, count in (
        ("resources.instance_count", "--nodes", spec.nodes),
        ("distribution.process_count_per_instance", "-n", spec.distribution.processes_per_node),
    ):
        if count < 1:
            message = f"expected a whole number from 1, found {count}"
            raise refuse(spec, message, key=key, flag=flag, hint="give 1 or more")
    ranks = spec.nodes * spec.distribution.processes_per_node
    if ranks > MOST_RANKS:
        raise BadInput(f"{ranks:,} ranks are too many for one machine", hint=f"give {MOST_RANKS:,} or fewer")
    if spec.distribution.type not in DISTRIBUTIONS:
        hint = f"this version runs {' and '.join(sorted(DISTRIBUTIONS))}"
        message = f"the distribution {spec.distribution.type} is not available yet"
        raise refuse(spec, message, key="distribution.type", flag="--distribution", hint=hint)
    if spec.distribution.type == "none" and spec.distribution.processes_per_node > 1:
        raise BadInput("several processes on a node need a distribution", hint="give --distribution pytorch")


def plan_ranks(spec: RunSpec, hosts: tuple[str, ...] = ()) -> tuple[RankPlan, ...]:
    """Plan one rank for each process, ordered by rank, length nodes × processes on a node.

    Args:
        spec: The run configuration.
        hosts: For each node the address at which the others reach it; empty when all nodes are on this machine.
    """
    per_node = spec.distribution.processes_per_node
    total = spec.nodes * per_node
    ranks = [(node, local_rank) for node in range(spec.nodes) for local_rank in range(per_node)]
    return tuple(_plan_rank(spec, node, local_rank, total, hosts) for node, local_rank in ranks)


def _plan_rank(spec: RunSpec, node: int, local_rank: int, total: int, hosts: tuple[str, ...]) -> RankPlan:
    per_node = spec.distribution.processes_per_node
    rank = node * per_node + local_rank
    distributed = spec.distribution.type != "none"
    variables = DISTRIBUTIONS[spec.distribution.type](
        rank=rank, local_rank=local_rank, node=node, nodes=spec.nodes, processes_per_node=per_node
    )
    if hosts and "MASTER_ADDR" in variables:
        variables["MASTER_ADDR"] = hosts[0]
    variables["AZUREML_CR_NODE_RANK"] = str(node)
    variables["AZUREML_PROCESS_NAME"] = f"rank_{rank}" if distributed else "main"
    variables["AZ_BATCHAI_TASK_INDEX"] = str({"local": local_rank, "global": rank, "node": node}[spec.task_index])
    log = "std_log.txt" if total == 1 and not distributed else f"std_log_process_{rank}.txt"
    return RankPlan(rank=rank, local_rank=local_rank, node=node, variables=tuple(variables.items()), log=log)
