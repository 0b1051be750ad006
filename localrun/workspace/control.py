"""Stopping and signalling live runs from another process."""

from __future__ import annotations

from localrun.adapters import processes
from localrun.errors import LocalrunError, RunNotFound
from localrun.workspace import active, recover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CLOSE_WAIT_S = 5.0
"""How long a supervisor may take to close its record once its ranks are gone."""
_START_WAIT_S = 2.0
_POLL_S = 0.01


def stop(
    home: str, run_id: str, timeout_s: float, say: Callable[[str], None], close_wait_s: float = CLOSE_WAIT_S
) -> None:
    """End a run and wait until its record is closed; a run that has ended already is left as it is.

    The supervisor gets SIGTERM, which starts its stop ladder. After `timeout_s` seconds the ranks are killed; a
    supervisor that does not close the record within `close_wait_s` seconds then is killed too, and the run is recorded
    as lost.

    Raises:
        LocalrunError: the run lives on another machine, or cannot be ended.
    """
    import signal

    if not active.is_live(home, run_id):
        recover.close_lost(home, run_id, say)
        return
    supervisor = _entry(home, run_id).supervisor
    if supervisor is None:  # it has ended meanwhile
        return
    processes.send(supervisor, signal.SIGTERM)
    if processes.wait_all((supervisor,), timeout_s):
        for _, process in _entry(home, run_id).ranks:
            processes.send_group(process, signal.SIGKILL)
        if processes.wait_all((supervisor,), close_wait_s):
            processes.send(supervisor, signal.SIGKILL)
            processes.wait_all((supervisor,), processes.KILL_WAIT_S)
    if active.is_live(home, run_id):
        raise LocalrunError(f"run {run_id} cannot be ended: its supervisor, process {supervisor.pid}, does not go")
    recover.close_lost(home, run_id, say)


def signal_ranks(home: str, run_id: str, rank: int | None, number: int) -> None:
    """Send a signal to the process group of one rank, or of every rank.

    Args:
        home: The workspace folder.
        run_id: A live run.
        rank: The rank, or None for all.
        number: The signal's number.

    Raises:
        RunNotFound: the run is not live, or has no such rank, or that rank has ended.
        LocalrunError: the run lives on another machine.
    """
    if not active.is_live(home, run_id):
        raise RunNotFound(f"run {run_id} is not running", code="run_ended")
    ranks = dict(_entry(home, run_id).ranks)
    if rank is not None and rank not in ranks:
        hint = f"Its ranks are {', '.join(map(str, sorted(ranks)))}." if ranks else "None of its ranks has started yet."
        raise RunNotFound(f"run {run_id} has no rank {rank}", hint=hint)
    chosen = ranks.values() if rank is None else (ranks[rank],)
    reached = [processes.send_group(process, number) for process in chosen]
    if not any(reached):
        what = f"rank {rank} of run {run_id} has" if rank is not None else f"all started ranks of run {run_id} have"
        raise RunNotFound(f"{what} ended", code="run_ended")


def _entry(home: str, run_id: str) -> active.Entry:
    """Give the entry of a live run once its supervisor is noted, which it is a moment after the claim."""
    import time

    end = time.monotonic() + _START_WAIT_S
    while True:
        entry = active.read(home, run_id)
        if entry.supervisor is not None or not active.is_live(home, run_id):
            break
        if time.monotonic() > end:
            raise LocalrunError(f"run {run_id} has not started its supervisor", hint="Try again in a moment.")
        time.sleep(_POLL_S)
    if entry.boot and entry.boot != processes.boot_id():
        hint = "Use localrun on the machine that it was started on."
        raise LocalrunError(f"run {run_id} lives on another machine that shares this workspace", hint=hint)
    return entry
