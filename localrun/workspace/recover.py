"""What is left of runs whose supervisor died: found, ended and recorded by the next command.

`sweep` is called at the start of every command. While every supervisor lives it costs one look into a folder and one
lock that is refused a run; the rest is imported when something dead is found.
"""

from __future__ import annotations

import os
import time

from localrun.workspace import active
from localrun.workspace.home import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from localrun.adapters.processes import Process
    from localrun.workspace.run_files import Record

GRACE_S = 2.0
"""From SIGTERM to SIGKILL for what is left of a lost run."""
APPEARS_S = 6.0
"""A container whose making was asked for is there after so long, on a busy machine too."""
_ROUNDS = 3  # a process may start another while it is being ended


def sweep(home: str, say: Callable[[str], None], grace_s: float = GRACE_S) -> tuple[str, ...]:
    """End and record every run that has no living supervisor.

    Args:
        home: The workspace folder.
        say: Told one line for each run that was lost.
        grace_s: Seconds between SIGTERM and SIGKILL.

    Returns:
        The ids of the runs that were dealt with; empty as a rule.

    Raises:
        StoreFailed: a record cannot be written.
    """
    dealt = []
    for run_id in active.names(home):
        descriptor = active.take(home, run_id)
        if descriptor is not None:
            dealt.append(run_id)
            _recover(home, run_id, descriptor, say, grace_s)
    return tuple(dealt)


def close_lost(home: str, run_id: str, say: Callable[[str], None], grace_s: float = GRACE_S) -> None:
    """Deal with one run if it has no living supervisor; a run that lives or has ended is left as it is.

    For a run whose record says `running` although it has no entry (deleted by hand) as well.

    Raises:
        StoreFailed: a record cannot be written.
    """
    descriptor = active.take(home, run_id)
    if descriptor is not None:
        _recover(home, run_id, descriptor, say, grace_s)
    elif not active.is_live(home, run_id):
        _record_lost(home, active.read(home, run_id), say, grace_s)


def close_orphans(home: str, run_ids: Iterable[str], say: Callable[[str], None]) -> bool:
    """Deal with those of the runs, all recorded as `running`, that have no living supervisor.

    Returns:
        Whether there was one.

    Raises:
        StoreFailed: a record cannot be written.
    """
    dead = [run_id for run_id in run_ids if not active.is_live(home, run_id)]
    for run_id in dead:
        close_lost(home, run_id, say)
    return bool(dead)


def read_settled(home: str, run_id: str, say: Callable[[str], None]) -> Record:
    """Give the record of a run as it is now: that of one whose supervisor died is closed before.

    Raises:
        RunNotFound: there is neither folder nor row.
        StoreFailed: it cannot be read or written.
    """
    from localrun.workspace import records

    record = records.read(home, run_id, say)
    if record["status"] == "running" and close_orphans(home, (run_id,), say):
        return records.read(home, run_id, say)
    return record


def _recover(home: str, run_id: str, descriptor: int, say: Callable[[str], None], grace_s: float) -> None:
    try:
        entry = active.read(home, run_id)
        contained = _remove_containers(entry, say, os.fstat(descriptor).st_mtime)
        _record_lost(home, entry, say, grace_s, max(contained, 0))
    except BaseException:
        os.close(descriptor)  # the entry stays: the next command tries again
        raise
    if contained < 0:
        os.close(descriptor)  # likewise
    else:
        active.release(home, run_id, descriptor)


def _record_lost(
    home: str, entry: active.Entry, say: Callable[[str], None], grace_s: float, contained: int = 0
) -> None:
    from localrun.errors import StoreFailed
    from localrun.workspace import database, place, records, run_files

    folder = folder_of(home, entry.run_id)
    damage = ""
    try:
        record = run_files.read_folder(folder)
    except StoreFailed as error:
        record, damage = None, error.message
    closed = record is not None and record.get("status") != "running"
    ended, unkillable = (0, ()) if closed and entry.supervisor is None else _end(entry, grace_s)
    place.remove_place(folder)
    if record is not None and closed:
        database.put(home, record, say)  # the row may be older than the record
    elif damage:
        say(damage)
        database.put(home, _lost(home, None, entry, unkillable), say)  # run.json is left as it is
    elif entry.ended:
        records.insert(home, _ended(_begun(home, record, entry), entry), say)
        say(f"the record of run {entry.run_id} could not be written when it ended; it is closed now")
    elif record is None and not entry.ranks and not (entry.engine and entry.supervisor):
        _discard(home, entry.run_id, say)
    else:
        records.insert(home, _lost(home, record, entry, unkillable), say)
        say(_line(entry.run_id, ended, unkillable, contained))


def _remove_containers(entry: active.Entry, say: Callable[[str], None], noted_at: float) -> int:
    """End and remove the run's containers; give how many there were, -1 when their engine does not answer.

    A run without a supervisor died while its containers were made, which began at `noted_at`, in seconds since the
    epoch: one may appear after its maker's death.
    """
    if not entry.engine:
        return 0
    from localrun.errors import LocalrunError
    from localrun.workspace.contained import remove_containers

    try:
        count = remove_containers(entry.engine, entry.run_id)
        if entry.supervisor is None and (wait_s := noted_at + APPEARS_S - time.time()) > 0:
            time.sleep(min(wait_s, APPEARS_S))
            count += remove_containers(entry.engine, entry.run_id)
    except LocalrunError as error:
        say(f"containers of run {entry.run_id} may be left: {error.message}")
        return -1
    return count


def _discard(home: str, run_id: str, say: Callable[[str], None]) -> None:
    """Remove what a run had made that was killed before it had a record."""
    from localrun.workspace import records

    if os.path.isdir(folder_of(home, run_id)):
        records.remove(home, run_id, say)
        say(f"run {run_id} was killed while it was prepared; what it had made is removed")


def _end(entry: active.Entry, grace_s: float) -> tuple[int, tuple[Process, ...]]:
    """End the run's processes; give how many there were and those that cannot be ended."""
    from localrun.adapters import processes

    same_boot = entry.boot in ("", processes.boot_id())
    known = [process for _, process in entry.ranks]  # not the front end: it may be somebody's Python session
    seen: set[Process] = set()
    left: tuple[Process, ...] = ()
    for _ in range(_ROUNDS):
        roots = [*(known if same_boot else ()), *processes.tagged("AZUREML_RUN_ID", entry.run_id)]
        found = processes.descendants(roots)
        if not found or set(found) == set(left):
            break
        seen |= set(found)
        left = processes.end_all(found, grace_s)
    return len(seen), left


def _begun(home: str, record: Record | None, entry: active.Entry) -> Record:
    """Give the first record of a run; one that never got it gets a short one."""
    from localrun.workspace import records

    return record or {
        "schema": records.SCHEMA, "run_id": entry.run_id, "experiment": entry.run_id.rsplit("_", 2)[0],
        "target": "local", "started_at": records.timestamp(time.time()), "duration_s": None,
        "folder": folder_of(home, entry.run_id),
        "ranks": [{"rank": rank, "pid": process.pid, "status": "running"} for rank, process in entry.ranks],
    }  # fmt: skip


def _ended(record: Record, entry: active.Entry) -> Record:
    """Give the record of a run whose supervisor could only note how it ended."""
    status, code, origin, kind = entry.ended
    notes = [*record.get("notes", ()), "there was no room for its record when it ended: how each rank ended is unknown"]
    ended = {"status": status, "exit_code": int(code), "origin": origin, "kind": kind, "notes": notes}
    return record | ended | {"ranks": [rank | {"status": "unknown"} for rank in record.get("ranks", ())]}


def _lost(home: str, record: Record | None, entry: active.Entry, left: tuple[Process, ...]) -> Record:
    """Give the record of the lost run."""
    from localrun.workspace import records

    now = records.timestamp(time.time())
    begun = _begun(home, record, entry)
    notes = [f"its supervisor died; what was left of it was ended when it was found, at {now}"]
    notes += [f"process {process.pid} could not be ended" for process in left]
    ranks = [{**rank, "status": "lost"} if rank.get("status") == "running" else rank for rank in begun.get("ranks", ())]
    return begun | {
        "status": "lost", "exit_code": 125, "origin": "localrun", "kind": "lost", "ended_at": now, "duration_s": None,
        "ranks": ranks, "notes": [*begun.get("notes", ()), *notes],
    }  # fmt: skip


def _line(run_id: str, ended: int, left: tuple[Process, ...], contained: int) -> str:
    text = f"run {run_id} is lost: its supervisor died"
    if contained:
        text += f"; {contained} container{'s' * (contained > 1)} of it removed"
    elif ended:
        text += f"; {ended} process{'es' if ended > 1 else ''} of it ended"
    if left:
        text += f"; not ended: {', '.join(str(process.pid) for process in left)}"
    return text
