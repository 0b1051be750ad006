"""Faults on purpose: a rank or node of a live run that is killed, or stands still for a while."""

from __future__ import annotations

from localrun.adapters import processes, signals
from localrun.errors import RunNotFound
from localrun.inside.containers import is_contained, pause_node
from localrun.inside.ranks import ask_living, choose_rank, find_living, ranks_of_node, read_live
from localrun.workspace import active, control

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def send_signal(home: str, run_id: str, number: int, *, rank: int | None = None, node: int | None = None) -> None:
    """Send a signal to the process groups of a rank, of a node's ranks, or of all ranks.

    Raises:
        RunNotFound: the run has ended, or has no such rank or node, or what was meant has ended.
        LocalrunError: the run lives on another machine.
    """
    ranks: tuple[int, ...] | None = None if rank is None else (rank,)
    if rank is not None or node is not None:
        ask_living(home, run_id)
        record = read_live(home, run_id)
        ranks = ranks_of_node(record, node) if node is not None else (choose_rank(record, rank or 0),)
    if control.find_entry(home, run_id).ranks or not active.is_live(home, run_id):
        control.signal_ranks(home, run_id, ranks, number)
        return
    living = find_living(home, read_live(home, run_id))
    reached = [processes.send_group(living[one], number) for one in ranks or living if one in living]
    if not any(reached):
        hint = "ranks in containers are signalled on the machine that the engine runs on"
        raise RunNotFound(f"no rank of run {run_id} that was meant can be found", hint=hint, code="run_ended")


def set_paused(home: str, run_id: str, *, node: int | None, paused: bool, environ: Mapping[str, str]) -> None:
    """Stop everything of a node, or of the run, or let it go on.

    The whole run is paused by its supervisor, which then stops the clock of its time limits too.

    Raises:
        RunNotFound: the run has ended, or has no such node, or its ranks there have ended.
        LocalrunError: the run lives on another machine.
    """
    ask_living(home, run_id)
    if node is not None:
        _set_node_paused(home, read_live(home, run_id), node, paused=paused, environ=environ)
        return
    if not paused:  # nodes that were paused on their own as well
        record = read_live(home, run_id)
        for one in sorted({item["node"] for item in record["ranks"]}):
            try:
                _set_node_paused(home, record, one, paused=False, environ=environ)
            except RunNotFound:
                continue  # its ranks have ended
    supervisor = control.find_entry(home, run_id).supervisor
    if supervisor is not None:
        processes.send(supervisor, signals.SIGTSTP if paused else signals.SIGCONT)


def _set_node_paused(
    home: str, record: Mapping[str, Any], node: int, *, paused: bool, environ: Mapping[str, str]
) -> None:
    ranks = ranks_of_node(record, node)
    if is_contained(record):
        pause_node(record, node, environ, paused=paused)
        return
    living = find_living(home, record)
    meant = processes.descendants([living[rank] for rank in ranks if rank in living])
    if not meant:
        raise RunNotFound(f"all ranks of node {node} of run {record['run_id']} have ended", code="run_ended")
    for process in meant:
        processes.send(process, signals.SIGSTOP if paused else signals.SIGCONT)


def thaw(home: str, run_id: str, environ: Mapping[str, str]) -> None:
    """Let every container of a live run go on, so that what asks it to end is heard; others are left as they are."""
    from localrun.errors import LocalrunError
    from localrun.workspace import records

    try:
        record = records.read(home, run_id)
        if not is_contained(record) or not active.is_live(home, run_id):
            return
        for container in record.get("containers") or ():
            pause_node(record, container["node"], environ, paused=False)
    except LocalrunError:
        return  # the stop that follows tells what is wrong
