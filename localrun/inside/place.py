"""The place of a rank: the environment variables and the folder that a command needs to be where the rank is."""

from __future__ import annotations

import os

from localrun.adapters import processes
from localrun.errors import RunNotFound
from localrun.inside.ranks import ask_living, choose_rank, find_living
from localrun.plan import RUN_FOLDER, RUN_ID, count_ports, name_ports
from localrun.values import replace, value
from localrun.workspace.home import locate_working
from localrun.workspace.working_copy import fill_again

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@value
class Place:
    """Where a rank is, or was.

    Attributes:
        rank: The global rank.
        directory: Its working directory, absolute.
        variables: Its whole environment, by name.
        missing: Names of variables that it had and that nobody knows any more: secrets and what `-e NAME` passed on.
    """

    rank: int
    directory: str
    variables: tuple[tuple[str, str], ...]
    missing: tuple[str, ...] = ()


def find_place(home: str, record: Mapping[str, Any], rank: int | None, environ: Mapping[str, str]) -> Place:
    """Find the place of a rank of a live run.

    Args:
        home: The workspace.
        record: The record of the run.
        rank: The rank; None for the first one that still runs.
        environ: The caller's environment, which fills in for that of a rank that has ended.

    Raises:
        RunNotFound: the run has ended, or has no such rank.
    """
    run_id = record["run_id"]
    ask_living(home, run_id)
    living = find_living(home, record)
    chosen = choose_rank(record, rank if rank is not None else min(living, default=0))
    process = living.get(chosen)
    if process is not None:
        found = processes.look_into(process)
        if found is not None and found[0].get("AZUREML_RUN_ID") == run_id:  # else it waits for its bootstrap script
            variables, directory = found
            return Place(rank=chosen, directory=directory, variables=tuple(variables.items()))
    return reconstruct_place(record, chosen, environ)


def reconstruct_place(record: Mapping[str, Any], rank: int, environ: Mapping[str, str]) -> Place:
    """Put a rank's place together again from the record, as the launch did; what is not recorded comes from `environ`.

    Raises:
        RunNotFound: the folder that the rank worked in is gone.
        StoreFailed: what was dropped of it cannot be put back.
    """
    from localrun.formats.recorded_plan import read_recorded_artifact, read_recorded_plan
    from localrun.targets.local import add_own, gather_variables

    directory = restore_directory(record, rank)
    folder = record["folder"]
    plan = read_recorded_plan(record["plan"], where=os.path.join(folder, "run.json"))
    if plan.target == "docker":
        plan = replace(plan, shim=False)  # in a container it is elsewhere
    planned = plan.ranks[rank]
    ports = name_ports(record.get("master_port") or 0, count_ports(plan))
    tokens = {RUN_ID: record["run_id"], RUN_FOLDER: folder, **ports}
    programs = os.path.join(folder, f"node-{planned.node}", "python", "bin")
    programs = programs if os.path.isdir(programs) else ""
    shared = gather_variables(plan, read_recorded_artifact(record["artifact"]), directory, programs, tokens, environ)
    missing = tuple(name for name in plan.inherited if name not in environ)
    return Place(rank=rank, directory=directory, variables=add_own(shared, planned, tokens), missing=missing)


def restore_directory(record: Mapping[str, Any], rank: int) -> str:
    """Give the folder that a rank of a run that has ended worked in, with what was dropped of it put back.

    Raises:
        RunNotFound: the run has no such rank, or the folder is gone.
        StoreFailed: what was dropped cannot be put back.
    """
    plan, folder = record["plan"], record["folder"]
    node = plan["ranks"][choose_rank(record, rank)]["node"]
    in_place = plan["source"]["in_place"]
    directory = str(plan["source"]["directory"]) if in_place else locate_working(folder, node)
    if not in_place:
        fill_again(os.path.dirname(os.path.dirname(folder)), folder, node)
    if not os.path.isdir(directory):
        raise RunNotFound(f"the folder that rank {rank} of run {record['run_id']} worked in is gone: {directory}")
    return directory
