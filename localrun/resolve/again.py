"""A plan that was run, changed in what `rerun` may change: name, variables, ranks, target."""

from __future__ import annotations

from localrun.errors import BadInput
from localrun.resolve.container import plan_container, settle_arguments
from localrun.resolve.ranks import check_counts, name_variables, plan_ranks
from localrun.resolve.secrets import plan_withheld
from localrun.resolve.target import name_hosts
from localrun.resolve.variables import check_variable, describe_run
from localrun.spec import ContainerSpec, DistributionSpec, RunSpec
from localrun.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from localrun.plan import EnvironmentPlan, Plan
    from localrun.resolve.facts import HostFacts


def set_name(plan: Plan, name: str) -> Plan:
    """Give the plan of a run that is called something else, which its script is told.

    Raises:
        BadInput: the name would not do on a command line.
    """
    import json

    from localrun.resolve import check_name

    check_name(RunSpec(command="-", name=name))
    variables = dict(plan.variables)
    if "LOCALRUN_CONTEXT" in variables:
        context = json.loads(variables["LOCALRUN_CONTEXT"]) | {"display_name": name}
        variables["LOCALRUN_CONTEXT"] = json.dumps(context, separators=(",", ":"))
    return replace(plan, name=name, display_name=name, variables=tuple(sorted(variables.items())))


def set_variables(plan: Plan, pairs: tuple[str, ...]) -> Plan:
    """Give the plan with other variables.

    Args:
        plan: The plan.
        pairs: As after `-e`: `NAME=VALUE`, or `NAME` for the caller's own value.

    Raises:
        BadInput: a name is none, or one of localrun's own.
    """
    variables, inherited = dict(plan.variables), dict.fromkeys(plan.inherited)
    secrets = tuple(pair for pair in plan.secrets if pair[0] not in {text.partition("=")[0] for text in pairs})
    for text in pairs:
        name, equals, given = text.partition("=")
        check_variable(name, given, set(plan.own), key="-e")
        variables.pop(name, None)
        inherited.pop(name, None)
        if equals:
            variables[name] = given
        else:
            inherited[name] = None
    withheld = tuple(sorted({*plan.withheld, *plan_withheld(variables, plan.own)}))
    ordered = tuple(sorted(variables.items()))
    return replace(plan, variables=ordered, inherited=tuple(inherited), secrets=secrets, withheld=withheld)


def set_ranks(plan: Plan, *, nodes: int | None, processes: int | None) -> Plan:
    """Give the plan with other numbers of nodes and of ranks on each.

    Args:
        plan: The plan.
        nodes: How many nodes; None for as many as before.
        processes: How many ranks on each; None for as many as before.

    Raises:
        BadInput: the numbers make no run.
    """
    kind = plan.distribution
    processes = plan.processes_per_node if processes is None else processes
    if kind == "none" and processes != 1:
        kind = "pytorch"
    spec = RunSpec(
        command="-",
        nodes=plan.nodes if nodes is None else nodes,
        distribution=DistributionSpec(type=kind, processes_per_node=processes),
        target=plan.target,
        container=ContainerSpec(network=plan.container.network if plan.container else ""),
        task_index=_find_task_index(plan),
    )
    check_counts(spec)
    ranks = plan_ranks(spec, name_hosts(spec))
    for rank in (plan.terminal_rank, plan.debug_rank):
        if rank >= len(ranks):
            raise BadInput(f"the run had its terminal or debugger on rank {rank}", key="-n", hint="give more ranks")
    told = describe_run(spec, plan.experiment)
    names = name_variables(spec, ranks)
    variables = {name: text for name, text in plan.variables if name not in names} | told
    return replace(
        plan,
        ranks=ranks,
        nodes=spec.nodes,
        processes_per_node=-(-len(ranks) // spec.nodes),
        distribution=kind,
        variables=tuple(sorted(variables.items())),
        own=tuple(sorted({*plan.own, *told, *names})),
    )


def _find_task_index(plan: Plan) -> str:
    """Give what `AZ_BATCHAI_TASK_INDEX` stood for: the last of the kinds that fit all ranks."""
    found = "local"
    for kind in ("global", "node", "local"):
        told = [str({"local": rank.local_rank, "global": rank.rank, "node": rank.node}[kind]) for rank in plan.ranks]
        if told == [dict(rank.variables).get("AZ_BATCHAI_TASK_INDEX") for rank in plan.ranks]:
            found = kind
    return found


def set_target(plan: Plan, spec: RunSpec, environment: EnvironmentPlan, facts: HostFacts) -> Plan:
    """Give the plan for another target.

    Args:
        plan: The plan.
        spec: A run configuration with the target and the environment.
        environment: What its environment is there.
        facts: The facts of the host.

    Raises:
        BadInput: what was asked for of containers makes no run.
    """
    container = plan_container(settle_arguments(spec), facts) if spec.target == "docker" else None
    changed = replace(plan, target=spec.target, environment=environment, container=container)
    return set_ranks(changed, nodes=None, processes=None)
