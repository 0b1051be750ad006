"""Stopping and signalling live runs from another process."""

from __future__ import annotations

from functools import partial

from localrun.adapters import processes
from localrun.errors import LocalrunError, RunNotFound
from localrun.workspace import active, recover
from localrun.workspace.home import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    supervisor = find_entry(home, run_id).supervisor
    if supervisor is None:  # it has ended meanwhile
        return
    processes.send(supervisor, signal.SIGTERM)
    if processes.wait_all((supervisor,), timeout_s):
        for _, process in find_entry(home, run_id).ranks:
            processes.send_group(process, signal.SIGKILL)
        if processes.wait_all((supervisor,), close_wait_s):
            processes.send(supervisor, signal.SIGKILL)
            processes.wait_all((supervisor,), processes.KILL_WAIT_S)
    if active.is_live(home, run_id):
        raise LocalrunError(f"run {run_id} cannot be ended: its supervisor, process {supervisor.pid}, does not go")
    recover.close_lost(home, run_id, say)


def find_ladder_s(home: str, run_id: str) -> float:
    """Give the seconds that the supervisor's own stop ladder takes, and some for closing the record."""
    from localrun.workspace import records

    try:
        plan = records.read(home, run_id).get("plan") or {}
    except RunNotFound:  # it is stored a moment after the start
        plan = {}
    return float(plan.get("stop_timeout_s", 10)) + CLOSE_WAIT_S


def signal_ranks(home: str, run_id: str, ranks: Sequence[int] | None, number: int) -> None:
    """Send a signal to the process groups of some ranks, or of every rank.

    Args:
        home: The workspace folder.
        run_id: A live run.
        ranks: The ranks, or None for all.
        number: The signal's number.

    Raises:
        RunNotFound: the run is not live, or has no such rank, or those ranks have ended.
        LocalrunError: the run lives on another machine.
    """
    if not active.is_live(home, run_id):
        raise RunNotFound(f"run {run_id} is not running", code="run_ended")
    entry = find_entry(home, run_id)
    known = _list_senders(home, entry)
    for rank in ranks or ():
        if rank not in known:
            hint = f"Its ranks are {', '.join(map(str, sorted(known)))}." if known else "None of its ranks has started."
            raise RunNotFound(f"run {run_id} has no rank {rank}", hint=hint)
    reached = [send(number) for rank, send in known.items() if ranks is None or rank in ranks]
    if not any(reached):
        which = f"rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}" if ranks else "all started ranks"
        verb = "has" if ranks and len(ranks) == 1 else "have"
        raise RunNotFound(f"{which} of run {run_id} {verb} ended", code="run_ended")


def _list_senders(home: str, entry: active.Entry) -> Mapping[int, Callable[[int], bool]]:
    """Give for each rank that was started what sends it a signal; false: it has ended."""
    if entry.engine is not None:
        from localrun.workspace.contained import list_senders

        return list_senders(folder_of(home, entry.run_id))
    return {rank: partial(processes.send_group, process) for rank, process in entry.ranks}


def find_entry(home: str, run_id: str) -> active.Entry:
    """Give the entry of a live run once its supervisor is noted, which it is a moment after the claim.

    Raises:
        LocalrunError: it does not come, or the run lives on another machine.
    """
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
