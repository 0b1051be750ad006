"""Faults on purpose: a rank or node of a live run that is killed, or stands still for a while."""

from __future__ import annotations

from localrun.adapters import processes, signals
from localrun.errors import RunNotFound
from localrun.inside.ranks import ask_living, ranks_of_node, read_live
from localrun.workspace import control


def send_signal(home: str, run_id: str, number: int, *, rank: int | None = None, node: int | None = None) -> None:
    """Send a signal to the process groups of a rank, of a node's ranks, or of all ranks.

    Raises:
        RunNotFound: the run has ended, or has no such rank or node, or what was meant has ended.
        LocalrunError: the run lives on another machine.
    """
    ranks: tuple[int, ...] | None = None if rank is None else (rank,)
    if node is not None:
        ask_living(home, run_id)
        ranks = ranks_of_node(read_live(home, run_id), node)
    control.signal_ranks(home, run_id, ranks, number)


def set_paused(home: str, run_id: str, *, node: int | None, paused: bool) -> None:
    """Stop everything of a node, or of the run, or let it go on.

    The whole run is paused by its supervisor, which then stops the clock of its time limits too.

    Raises:
        RunNotFound: the run has ended, or has no such node, or its ranks there have ended.
        LocalrunError: the run lives on another machine.
    """
    living = ask_living(home, run_id)
    if node is None:
        supervisor = control.find_entry(home, run_id).supervisor
        if supervisor is not None:
            processes.send(supervisor, signals.SIGTSTP if paused else signals.SIGCONT)
        return
    ranks = ranks_of_node(read_live(home, run_id), node)
    meant = processes.descendants([living[rank] for rank in ranks if rank in living])
    if not meant:
        raise RunNotFound(f"all ranks of node {node} of run {run_id} have ended", code="run_ended")
    for process in meant:
        processes.send(process, signals.SIGSTOP if paused else signals.SIGCONT)
