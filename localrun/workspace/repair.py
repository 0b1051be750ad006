"""Making whole what the workspace knows of its runs: the database from the run folders, and a record where one is lost.

A record that cannot be read is kept as `run.json.corrupt-<time>`; in its place comes what its row said, or else what
the folder tells: the run is there again to be listed, inspected and removed, but not to be run again.
"""

from __future__ import annotations

import os
import time

from localrun.errors import StoreFailed
from localrun.values import value
from localrun.workspace import active, database, records
from localrun.workspace.home import folder_of
from localrun.workspace.run_files import read_folder
from localrun.workspace.sqlite_file import move_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from localrun.workspace.run_files import Record

_FACTS = ("status", "exit_code", "target", "started_at", "duration_s", "display_name")
_TIME_PART = -2
"""Of a run id split at `_`: `<experiment>_<unix seconds>_<8 hex>`."""


@value
class Repair:
    """What was wrong with the records of runs, and what was done about it.

    Attributes:
        damage: Why the database could not be used; empty when it was whole.
        kept: Where the damaged one is now; empty for none.
        recovered: The runs whose row was made from their folder, or corrected.
        partly: For each run whose own record is lost: its id, and what is known of it now.
        lost: For each run of which nothing but its row was left: its id, and what the row said.
    """

    damage: str = ""
    kept: str = ""
    recovered: tuple[str, ...] = ()
    partly: tuple[tuple[str, str], ...] = ()
    lost: tuple[tuple[str, str], ...] = ()


def examine(home: str) -> Repair:
    """Tell what `repair` would find, without changing anything; `partly` then holds why a record cannot be read.

    Raises:
        StoreFailed: the system refuses.
    """
    folders = _list_folders(home)
    begun = bool(folders) or os.path.lexists(database.path_of(home))
    damage = database.find_damage(home) if begun else ""
    found, broken = _read_folders(home, folders)
    stale = () if damage else _find_stale(database.salvage(home), found)
    return Repair(damage=damage, recovered=stale, partly=tuple(broken.items()))


def repair(home: str, say: Callable[[str], None]) -> Repair:
    """Make the database whole, from the run folders where it is not; what lives goes on.

    Args:
        home: The workspace.
        say: Told what happens to runs that nobody supervises.

    Raises:
        StoreFailed: the system refuses.
    """
    from localrun.workspace.recover import close_orphans, sweep

    damage = database.find_damage(home)
    rows = database.salvage(home)
    folders = _list_folders(home)
    known = {str(row["run_id"]): row for row in rows}
    _, broken = _read_folders(home, folders)
    partly = tuple([(run_id, _mend(home, run_id, known.get(run_id, {}), why)) for run_id, why in broken.items()])
    found, _ = _read_folders(home, folders)
    kept = database.make_again(home, say) if damage else ""
    stale = tuple(found) if damage else _find_stale(rows, found)
    for run_id in () if damage else stale:
        database.put(home, found[run_id], say)
    sweep(home, say)
    close_orphans(home, [row[0] for row in records.rows(home, live_only=True, say=say)], say)
    gone = [(run_id, f"{row['status']}, started {row['started_at']}") for run_id, row in known.items()
            if damage and run_id not in folders]  # fmt: skip
    whole = tuple([run_id for run_id in stale if run_id not in broken])
    return Repair(damage=damage, kept=kept, recovered=whole, partly=partly, lost=tuple(gone))


def _list_folders(home: str) -> list[str]:
    try:
        with os.scandir(os.path.join(home, "runs")) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def _read_folders(home: str, run_ids: list[str]) -> tuple[dict[str, Record], dict[str, str]]:
    """Give the records that can be read, oldest first, and why the others cannot; those of live runs will be written.

    A run takes its entry among the live before it makes its folder.
    """
    found: dict[str, Record] = {}
    broken: dict[str, str] = {}
    for run_id in run_ids:
        try:
            record = read_folder(folder_of(home, run_id))
        except StoreFailed as error:
            record, why = None, error.message
        else:
            why = f"{folder_of(home, run_id)} holds no run.json"
        if record is not None:
            found[run_id] = record
        elif run_id not in active.names(home) and os.path.isdir(folder_of(home, run_id)):
            broken[run_id] = why
    return dict(sorted(found.items(), key=lambda item: str(item[1].get("started_at")))), broken


def _find_stale(rows: list[Record], found: dict[str, Record]) -> tuple[str, ...]:
    """Give the runs whose row is missing, or says another thing than their record."""
    known = {str(row["run_id"]): row for row in rows}
    return tuple([run_id for run_id, record in found.items() if not _agree(known.get(run_id), record)])


def _agree(row: Record | None, record: Record) -> bool:
    names = ("status", "exit_code", "display_name")
    return row is not None and all((row[name] or None) == (record.get(name) or None) for name in names)


def _mend(home: str, run_id: str, row: Record, why: str) -> str:
    """Put a short record in the place of one that cannot be read, which is kept; tell what it says."""
    folder = folder_of(home, run_id)
    path = os.path.join(folder, "run.json")
    kept = move_aside(path)
    parts = run_id.split("_")
    started = float(parts[_TIME_PART]) if len(parts) > -_TIME_PART and parts[_TIME_PART].isdigit() else time.time()
    facts = {"status": "lost", "exit_code": 125, "target": "local", "duration_s": None, "display_name": ""}
    facts |= {"started_at": records.timestamp(min(started, 2**33))}
    facts |= {name: row[name] for name in _FACTS if row.get(name) is not None}
    if facts["status"] in {"running", "missing"}:
        facts |= {"status": "lost", "exit_code": 125}
    notes = [f"its record was lost: {why}", *([f"what was left of it is kept as {kept}"] if kept else [])]
    short = {"schema": records.SCHEMA, "run_id": run_id, "experiment": row.get("experiment") or "_".join(parts[:-2])}
    end = {"origin": "localrun", "kind": "lost"} if facts["status"] == "lost" else {"origin": "", "kind": ""}
    more = end | {"folder": folder, "outputs": os.path.join(folder, "outputs")}
    records.update(home, short | facts | more | {"ranks": [], "notes": notes}, lambda _: None)
    return "its status is known from its row" if row else "only its name, its time and its files are known"
