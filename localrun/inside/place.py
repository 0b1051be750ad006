"""The place of a rank: the environment variables and the folder that a command needs to be where the rank is."""

from __future__ import annotations

import os

from localrun.adapters import processes
from localrun.errors import RunNotFound
from localrun.inside.ranks import ask_living, choose_rank, find_living
from localrun.plan import RUN_FOLDER, RUN_ID, name_ports
from localrun.values import value
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
    directory = restore_directory(record, rank)
    plan, artifact, folder = record["plan"], record["artifact"], record["folder"]
    planned = plan["ranks"][rank]
    ports = name_ports(record.get("master_port") or 0, len(plan["ranks"]))
    tokens = {RUN_ID: record["run_id"], RUN_FOLDER: folder, **ports}
    variables = {**plan["fallbacks"], **{name: text for name, text in environ.items() if name not in plan["own"]}}
    if artifact["kind"] == "conda":
        from localrun.targets.local import FOREIGN

        for name in FOREIGN:
            variables.pop(name, None)
    variables |= dict(artifact["variables"])
    if artifact["prefix"]:
        variables["AZUREML_CONDA_ENVIRONMENT_PATH"] = artifact["prefix"]
    for name, text in (plan["variables"] | planned["variables"]).items():
        variables[name] = _fill(text, tokens)
    path = [*artifact["path"]]
    programs = os.path.join(folder, f"node-{planned['node']}", "python", "bin")
    if os.path.isdir(programs):
        path.insert(0, programs)
        variables["VIRTUAL_ENV"] = os.path.dirname(programs)
    variables["PATH"] = ":".join([*path, variables.get("PATH", os.defpath)])
    variables["PWD"] = variables["AZUREML_CR_EXECUTION_WORKING_DIR_PATH"] = directory
    missing = tuple(name for name in plan["inherited"] if name not in environ)
    return Place(rank=rank, directory=directory, variables=tuple(variables.items()), missing=missing)


def restore_directory(record: Mapping[str, Any], rank: int) -> str:
    """Give the folder that a rank of a run that has ended worked in, with what was dropped of it put back.

    Raises:
        RunNotFound: the run has no such rank, or the folder is gone.
        StoreFailed: what was dropped cannot be put back.
    """
    plan, folder = record["plan"], record["folder"]
    node = plan["ranks"][choose_rank(record, rank)]["node"]
    directory = _locate_directory(plan, folder, node)
    if not plan["source"]["in_place"]:
        fill_again(os.path.dirname(os.path.dirname(folder)), folder, node)
    if not os.path.isdir(directory):
        raise RunNotFound(f"the folder that rank {rank} of run {record['run_id']} worked in is gone: {directory}")
    return directory


def _locate_directory(plan: Mapping[str, Any], folder: str, node: int) -> str:
    if plan["source"]["in_place"]:
        return str(plan["source"]["directory"])
    return os.path.join(folder, "wd") if node == 0 else os.path.join(folder, f"node-{node}", "wd")


def _fill(text: str, tokens: Mapping[str, str]) -> str:
    for token, known in tokens.items():
        text = text.replace(token, known)
    return text
