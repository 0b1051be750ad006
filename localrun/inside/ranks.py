"""Which ranks of a run are meant, and which of them still run."""

from __future__ import annotations

from localrun.adapters import processes
from localrun.errors import RunNotFound
from localrun.workspace import active, control, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from localrun.adapters.processes import Process


RECORD_WAIT_S = 5.0
"""A live run has a record after so long."""
POLL_S = 0.01


def choose_rank(record: Mapping[str, Any], rank: int) -> int:
    """Give the rank if the run has it.

    Raises:
        RunNotFound: it has not.
    """
    ranks = [item["rank"] for item in record.get("ranks", ())]
    if rank not in ranks:
        raise RunNotFound(f"run {record['run_id']} has no rank {rank}", hint=describe_range("ranks", ranks))
    return rank


def ranks_of_node(record: Mapping[str, Any], node: int) -> tuple[int, ...]:
    """Give the ranks of a node, in order.

    Raises:
        RunNotFound: the run has no such node.
    """
    ranks = tuple(item["rank"] for item in record.get("ranks", ()) if item["node"] == node)
    if not ranks:
        nodes = sorted({item["node"] for item in record.get("ranks", ())})
        raise RunNotFound(f"run {record['run_id']} has no node {node}", hint=describe_range("nodes", nodes))
    return ranks


def describe_range(what: str, numbers: list[int]) -> str:
    """Say which ranks or nodes there are, as a hint."""
    if not numbers:
        return f"it has started no {what} yet"
    if len(numbers) == 1:
        return f"its only {what.rstrip('s')} is {numbers[0]}"
    return f"its {what} are {numbers[0]} to {numbers[-1]}"


def ask_living(home: str, run_id: str) -> None:
    """Make sure that a run is live.

    Raises:
        RunNotFound: it has ended.
    """
    if not active.is_live(home, run_id) or has_ended(home, run_id):
        hint = f"localrun shell {run_id} opens a shell where it was, localrun logs {run_id} has its output"
        raise RunNotFound(f"run {run_id} has ended", hint=hint, code="run_ended")


def await_ended(home: str, run_id: str) -> bool:
    """Tell whether a run has ended; while its supervisor still tidies up behind it, that is waited for."""
    if not active.is_live(home, run_id):
        return True
    if not has_ended(home, run_id):
        return False
    active.wait(home, run_id)
    return True


def has_ended(home: str, run_id: str) -> bool:
    """Tell whether the record of a run that is live is closed: its supervisor tidies up behind it."""
    try:
        return bool(records.read(home, run_id)["status"] != "running")
    except RunNotFound:  # it is stored a moment after the start
        return False


def find_living(home: str, record: Mapping[str, Any]) -> dict[int, Process]:
    """Give the first process of each rank of a live run that still runs, by rank.

    Ranks in containers are found by their environment variables; those of an engine on another machine are not.

    Raises:
        LocalrunError: the run lives on another machine.
    """
    known = control.find_entry(home, record["run_id"]).ranks
    if known:
        return {rank: process for rank, process in known if processes.is_alive(process)}
    return processes.first_of_ranks(record["run_id"], name_processes(record))


def read_live(home: str, run_id: str) -> dict[str, Any]:
    """Read the record of a run that is live; it is stored a moment after the start.

    Raises:
        RunNotFound: the run has ended, or there is no such run.
    """
    import time

    end = time.monotonic() + RECORD_WAIT_S
    while True:
        try:
            return records.read(home, run_id)
        except RunNotFound:
            if not active.is_live(home, run_id) or time.monotonic() > end:
                raise
        time.sleep(POLL_S)


def name_processes(record: Mapping[str, Any]) -> dict[tuple[str, ...], int]:
    """Give the rank for each name that its process has, as `localrun.adapters.processes.name_rank` gives it."""
    return {processes.name_rank(item["variables"]): item["rank"] for item in record["plan"]["ranks"]}
