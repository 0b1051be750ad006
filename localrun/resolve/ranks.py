"""Ranks: how many, on which node, and what each one is told."""

from __future__ import annotations

from localrun.distributions import DISTRIBUTIONS
from localrun.distributions.layout import Layout, list_members
from localrun.distributions.mpi import BY_MPIRUN
from localrun.distributions.tensorflow import place_tasks
from localrun.errors import BadInput
from localrun.plan import RankPlan
from localrun.resolve.refusal import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.distributions.layout import Member
    from localrun.spec import RunSpec

BREAKPOINT = "PYTHONBREAKPOINT"
"""What `breakpoint()` does; the user's own has its way."""
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
    if spec.distribution.type == "tensorflow":
        _check_tasks(spec)
    ranks = _plan_layout(spec).world_size if spec.distribution.type in DISTRIBUTIONS else 1
    if ranks > MOST_RANKS:
        raise BadInput(f"{ranks:,} ranks are too many for one machine", hint=f"give {MOST_RANKS:,} or fewer")
    if spec.distribution.type not in DISTRIBUTIONS:
        hint = f"this version runs {', '.join(sorted(DISTRIBUTIONS))}"
        message = f"the distribution {spec.distribution.type} is not available yet"
        raise refuse(spec, message, key="distribution.type", flag="--distribution", hint=hint)
    if spec.distribution.type == "none" and spec.distribution.processes_per_node > 1:
        message = f"{spec.distribution.processes_per_node} processes on a node need a distribution"
        raise refuse(spec, message, key="distribution.type", flag="-n", hint="give --distribution pytorch or mpi")


def _check_tasks(spec: RunSpec) -> None:
    workers, _ = _count_tasks(spec)
    if workers < spec.nodes:
        message = f"{workers} workers are fewer than {spec.nodes} nodes"
        hint = "give at least one worker for each node, or fewer nodes"
        raise refuse(spec, message, key="distribution.worker_count", flag="--nodes", hint=hint)


def _count_tasks(spec: RunSpec) -> tuple[int, int]:
    """Give how many workers and parameter servers a `tensorflow` job has; one worker for each process if not said."""
    asked = spec.distribution
    return asked.workers or spec.nodes * asked.processes_per_node, asked.parameter_servers


def _plan_layout(spec: RunSpec, hosts: tuple[str, ...] = ()) -> Layout:
    hosts = hosts or ("127.0.0.1",) * spec.nodes
    if spec.distribution.type != "tensorflow":
        return Layout(hosts=hosts, sizes=(spec.distribution.processes_per_node,) * spec.nodes)
    workers, servers = _count_tasks(spec)
    sizes = tuple(map(len, place_tasks(spec.nodes, workers, servers)))
    return Layout(hosts=hosts, sizes=sizes, workers=workers, parameter_servers=servers)


def plan_ranks(spec: RunSpec, hosts: tuple[str, ...] = ()) -> tuple[RankPlan, ...]:
    """Plan one rank for each process, ordered by rank.

    Args:
        spec: The run configuration.
        hosts: For each node the address at which the others reach it; empty when all nodes are on this machine.
    """
    layout = _plan_layout(spec, hosts)
    return tuple(_plan_rank(spec, layout, member) for member in list_members(layout))


def name_variables(spec: RunSpec, ranks: tuple[RankPlan, ...]) -> set[str]:
    """Name the variables that differ from rank to rank: localrun or `mpirun` sets them, and nobody else."""
    names = {name for rank in ranks for name, _ in rank.variables} - {BREAKPOINT}
    return names.union(BY_MPIRUN) if spec.distribution.type == "mpi" else names


def _plan_rank(spec: RunSpec, layout: Layout, member: Member) -> RankPlan:
    rank, local_rank, node = member.rank, member.local_rank, member.node
    distributed = spec.distribution.type != "none"
    variables = DISTRIBUTIONS[spec.distribution.type](layout, member)
    variables["AZUREML_CR_NODE_RANK"] = str(node)
    variables["AZUREML_PROCESS_NAME"] = f"rank_{rank}" if distributed else "main"
    variables["AZ_BATCHAI_TASK_INDEX"] = str({"local": local_rank, "global": rank, "node": node}[spec.task_index])
    if _has_no_terminal(spec, rank):
        variables[BREAKPOINT] = "0"
    log = "std_log.txt" if layout.world_size == 1 and not distributed else f"std_log_process_{rank}.txt"
    return RankPlan(rank=rank, local_rank=local_rank, node=node, variables=tuple(variables.items()), log=log)


def _has_no_terminal(spec: RunSpec, rank: int) -> bool:
    """Tell whether the terminal is another rank's, so that a `breakpoint()` could only end this one."""
    if spec.terminal_rank in {-1, rank}:
        return False
    environment = spec.environment.environment_variables if spec.environment else ()
    return BREAKPOINT not in {*dict(environment), *dict(spec.environment_variables), *spec.inherited}
